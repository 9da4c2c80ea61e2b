#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[row][n] = sum over k of left[row][k] * right[k][n] (+ bias[n]), then the epilogue, as matmul_rows_gpu.comp, for
 * GPUs that multiply matrices (lib/tile_matrix.glsl, lib/matmul_rows_gpu.glsl).
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_matrix.glsl"
#include "lib/matmul_rows_gpu.glsl"

const uint LEFT_STRIDE = STEP_VECTORS + GAP;
#define LEFT_PLACE(row, k) ((row)*LEFT_STRIDE + (k) / 4)
#define LEFT_COLUMN_MAJOR false
shared uvec2 left_high[TILE_ROWS * LEFT_STRIDE]; /* [row][vector of k] */
shared uvec2 left_low[TILE_ROWS * LEFT_STRIDE];

/* Rows that the invocations bring at once, of the left operand and of the right one: a tile has them once or twice. */
const uint LEFT_ROWS = MATMUL_GPU_INVOCATIONS / STEP_VECTORS;
const uint RIGHT_ROWS_BROUGHT = MATMUL_GPU_INVOCATIONS / COLUMN_VECTORS;

/* What an invocation brings of the next turn: left0, left1, right0, right1; what exceeds its scale is told. */
#define BRING                                                                                                          \
    {                                                                                                                  \
        bool left_exists = left_vector < end;                                                                          \
        left0 = left_exists ? load_left(row0, step, from) : vec4(0);                                                   \
        left1 = TILE_ROWS > LEFT_ROWS && left_exists ? load_left(row1, step, from) : vec4(0);                          \
        bool right0_exists = right_row < right_end;                                                                    \
        bool right1_exists = STEP > RIGHT_ROWS_BROUGHT && right_row + RIGHT_ROWS_BROUGHT < right_end;                  \
        right0 = right0_exists ? imageLoad(right, int(right_texel)) : vec4(0);                                         \
        right1 = right1_exists ? imageLoad(right, int(right_texel + RIGHT_ROWS_BROUGHT * width)) : vec4(0);            \
        advance(step, from);                                                                                           \
        left_vector += STEP_VECTORS;                                                                                   \
        right_row += STEP;                                                                                             \
        right_texel += STEP * width;                                                                                   \
    }
#define POST                                                                                                           \
    left_post(tile_row, largest_bits(left0), exponent0);                                                               \
    if (TILE_ROWS > LEFT_ROWS) {                                                                                       \
        left_post(tile_row + LEFT_ROWS, largest_bits(left1), exponent1);                                               \
    }                                                                                                                  \
    right_post(tile_column, max(absolute_bits(right0), absolute_bits(right1)), right_exponents);

#define STORE_SUM(number, row, column, at)                                                                             \
    store(first_row + row, first_column + column, scaled_back(uintBitsToFloat(staged[at]), row, column), part == 0,    \
          from);

void main()
{
    gather_sizes from = gather_unpack(push.left);
    uint columns = (push.columns + 3) / 4;
    uint id = gl_LocalInvocationID.x;
    uint product = push.parts > 1 ? 0 : gl_WorkGroupID.z;
    uint part = push.parts > 1 ? gl_WorkGroupID.z : 0;

    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint column_tile = divide(group, push.row_tiles);
    uint first_row = push.first_row + (group - column_tile * push.row_tiles.value) * TILE_ROWS;
    uint first_column = column_tile * COLUMN_VECTORS;
    if (first_column >= columns) {
        return; /* all of the workgroup */
    }
    uint begin = part * push.part_depth;
    uint end = min(begin + push.part_depth, push.depth);

    /* Of the left operand: vectors `left_vector`, and on by STEP_VECTORS, of rows tile_row and LEFT_ROWS on. */
    uint tile_row = id / STEP_VECTORS;
    uint tile_vector = id % STEP_VECTORS;
    uint left_vector = begin + tile_vector;
    int left_skipped = int(product * push.batch.left);
    uint found = first_row + tile_row;
    gather_row row0 = gather_find(found, found < push.end_row, left_skipped, from);
    gather_row row1 = gather_find(found + LEFT_ROWS, found + LEFT_ROWS < push.end_row, left_skipped, from);
    gather_step step = gather_begin(left_vector, from);
    uint left_place = tile_row * LEFT_STRIDE + tile_vector;

    /* And of the right one: a vector of columns in rows `right_row` and RIGHT_ROWS_BROUGHT on, and on by STEP. */
    uint tile_k = id / COLUMN_VECTORS;
    uint tile_column = id % COLUMN_VECTORS;
    uint right_column = first_column + tile_column;
    bool brings_right = tile_k < STEP;
    uint panel = PANELS == 1 ? right_column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = PANELS == 1 ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    uint right_row = begin * 4 + tile_k;
    uint right_texel = panel * push.depth * 4 + right_row * width + right_column - panel + product * push.batch.right;
    uint right_end = brings_right && right_column < columns ? end * 4 : 0;
    uint right_place = tile_k * RIGHT_STRIDE + tile_column;

    uint block_row = gl_SubgroupID / BLOCKS * (BLOCK_ROWS * FRAGMENT_ROWS);
    uint block_column = gl_SubgroupID % BLOCKS * (BLOCK_COLUMNS * FRAGMENT_COLUMNS);
    int exponent0 = UNSCALED, exponent1 = UNSCALED;
    ivec4 right_exponents = ivec4(UNSCALED);
    SUM_MATRIX sums[FRAGMENTS];
    CLEAR_SUMS
    scales_begin(id);
    barrier();
    vec4 left0, left1, right0, right1;
    BRING
    POST
    uint turn = 0;
    for (uint k = begin; k < end; k += STEP_VECTORS) {
        turn++;
        barrier(); /* the turn before has been read, and of this one all have told of their largest */
        exponent0 = left_take(tile_row, exponent0, tile_vector == 0, turn);
        PUT_HALVES(left, left_place, left0 * power_of_two(exponent0))
        if (TILE_ROWS > LEFT_ROWS) {
            exponent1 = left_take(tile_row + LEFT_ROWS, exponent1, tile_vector == 0, turn);
            PUT_HALVES(left, left_place + LEFT_ROWS * LEFT_STRIDE, left1 * power_of_two(exponent1))
        }
        right_exponents = right_take(tile_column, right_exponents, tile_k == 0, turn);
        if (brings_right) {
            PUT_HALVES(right, right_place, right0 * power_of_two(right_exponents))
            if (STEP > RIGHT_ROWS_BROUGHT) {
                PUT_HALVES(right, right_place + RIGHT_ROWS_BROUGHT * RIGHT_STRIDE,
                           right1 * power_of_two(right_exponents))
            }
        }
        barrier();
        BRING /* on its way while this one is multiplied */
        SCALE_SUMS
        ADD_TURN
        POST
    }
    TAKE_SUMS(STORE_SUM)
}
