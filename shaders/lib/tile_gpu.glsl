/*
 * The tile of a matmul on GPUs: 256 invocations bring a strip of both operands into shared memory, and each adds
 * products to 4 x 4 or 8 x 8 sums in registers, so that what is read from memory is used 32 to 128 times and what is
 * read from shared memory 4 to 8 times. No subgroup operations: subgroups of any size compute the same.
 *
 * Sums of an invocation are spread over the tile: its rows lie THREAD_ROWS apart, its vectors of columns
 * THREAD_COLUMNS, so that neighbours read neighbouring vectors of shared memory and write neighbouring vectors of the
 * output.
 *
 * Every sum adds its products one after another, whatever the tile; but fma() is one rounding or two as a driver likes,
 * pipeline by pipeline, so the tile must not depend on how many shards there are. Loops are written out by macros:
 * drivers differ in what they unroll. To be included behind lib/gather.glsl.
 */
#include "gather_gpu.glsl"
#include "matmul_gpu.h"

layout(local_size_x = MATMUL_GPU_INVOCATIONS) in;
/* From the table in compute/graph/tuning.c. */
layout(constant_id = 5) const uint TILE_ROWS = 64;
layout(constant_id = 6) const uint TILE_COLUMNS = 64; /* at most TILE_ROWS */
layout(constant_id = 7) const uint SUM_VECTORS = 1;   /* of columns, an invocation: 1 or 2 */

const uint ROW_VECTORS = TILE_ROWS / 4;
const uint COLUMN_VECTORS = TILE_COLUMNS / 4;
const uint THREAD_COLUMNS = COLUMN_VECTORS / SUM_VECTORS;
const uint THREAD_ROWS = MATMUL_GPU_INVOCATIONS / THREAD_COLUMNS;
const uint SUM_ROWS = TILE_ROWS / THREAD_ROWS; /* 4 or 8 */
/* So that every invocation reads one vector of the left operand a turn, and at most one of the right one. */
const uint STEP = MATMUL_GPU_STEP(TILE_ROWS); /* 16 or 8 */
const uint STEP_VECTORS = STEP / 4;

/* Rows of an invocation's sums: X(row); sums that the tile lacks are never touched and vanish. */
#define SUM_FOUR(X) X(0) X(1) X(2) X(3)
#define SUM_EIGHT(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)

#define SUM_DECLARE(i)                                                                                                 \
    vec4 s##i##0 = vec4(0);                                                                                            \
    vec4 s##i##1 = vec4(0);
#define SUM_CLEAR(i)                                                                                                   \
    s##i##0 = vec4(0);                                                                                                 \
    s##i##1 = vec4(0);

/* To the sums of one row: the left operand's element there by vectors b0 and b1 of the right one. */
#define SUM_ADD(i, left)                                                                                               \
    if (i < SUM_ROWS) {                                                                                                \
        s##i##0 = fma(vec4(left), b0, s##i##0);                                                                        \
        if (SUM_VECTORS > 1) {                                                                                         \
            s##i##1 = fma(vec4(left), b1, s##i##1);                                                                    \
        }                                                                                                              \
    }
