#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[row][n] = sum over k of left[row][k] * right[k][n] (+ bias[n]), then the epilogue, as matmul_rows.comp, for GPUs
 * (lib/tile_gpu.glsl, lib/matmul_rows_gpu.glsl). The sum over k runs in one order.
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_gpu.glsl"
#include "lib/matmul_rows_gpu.glsl"

/* A gap behind the rows of every vector of k, so that invocations that write together meet no bank twice. */
const uint LEFT_STRIDE = TILE_ROWS + 8 / STEP_VECTORS;

shared vec4 left_tile[STEP_VECTORS * LEFT_STRIDE]; /* [vector of k][row] */
shared vec4 right_tile[STEP * COLUMN_VECTORS];     /* [k][vector of columns] */

#define LOAD_ROW(i) vec4 a##i = i < SUM_ROWS ? left_tile[at + i * THREAD_ROWS] : vec4(0);
#define ADD_X(i) SUM_ADD(i, a##i.x)
#define ADD_Y(i) SUM_ADD(i, a##i.y)
#define ADD_Z(i) SUM_ADD(i, a##i.z)
#define ADD_W(i) SUM_ADD(i, a##i.w)
#define ADD_LINE(k, ADD)                                                                                               \
    {                                                                                                                  \
        vec4 b0 = right_tile[(k)*COLUMN_VECTORS + thread_column];                                                      \
        vec4 b1 = SUM_VECTORS > 1 ? right_tile[(k)*COLUMN_VECTORS + thread_column + THREAD_COLUMNS] : vec4(0);         \
        SUM_EIGHT(ADD)                                                                                                 \
    }
/* Four products to every sum. */
#define ADD_VECTOR(v)                                                                                                  \
    {                                                                                                                  \
        uint at = v * LEFT_STRIDE + thread_row;                                                                        \
        SUM_EIGHT(LOAD_ROW)                                                                                            \
        ADD_LINE(4 * v, ADD_X)                                                                                         \
        ADD_LINE(4 * v + 1, ADD_Y)                                                                                     \
        ADD_LINE(4 * v + 2, ADD_Z)                                                                                     \
        ADD_LINE(4 * v + 3, ADD_W)                                                                                     \
    }

#define STORE(i)                                                                                                       \
    if (i < SUM_ROWS) {                                                                                                \
        store(row + i * THREAD_ROWS, column, s##i##0, part == 0, from);                                                \
        if (SUM_VECTORS > 1) {                                                                                         \
            store(row + i * THREAD_ROWS, column + THREAD_COLUMNS, s##i##1, part == 0, from);                           \
        }                                                                                                              \
    }

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

    /* What this invocation brings of the left operand: one row's vectors `left_vector`, and on by STEP_VECTORS. */
    uint left_row = id / STEP_VECTORS;
    uint left_vector = id % STEP_VECTORS;
    uint left_place = left_vector * LEFT_STRIDE + left_row;
    gather_row brought = gather_find(first_row + left_row, first_row + left_row < push.end_row,
                                     int(product * push.batch.left), from);
    gather_step step = gather_begin(begin + left_vector, from);
    left_vector += begin;

    /* And of the right one: a vector of columns in row `right_row`, and on by STEP. */
    uint right_row = begin * 4 + id / COLUMN_VECTORS;
    uint right_column = first_column + id % COLUMN_VECTORS;
    bool brings_right = id < STEP * COLUMN_VECTORS;
    uint panel = PANELS == 1 ? right_column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = PANELS == 1 ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    uint right_texel = panel * push.depth * 4 + right_row * width + right_column - panel + product * push.batch.right;
    uint right_end = brings_right && right_column < columns ? end * 4 : 0;

    uint thread_row = id / THREAD_COLUMNS;
    uint thread_column = id % THREAD_COLUMNS;
    SUM_EIGHT(SUM_DECLARE)
    for (uint k = begin; k < end; k += STEP_VECTORS) {
        vec4 left_brought = left_vector < end ? load_left(brought, step, from) : vec4(0);
        vec4 right_brought = right_row < right_end ? imageLoad(right, int(right_texel)) : vec4(0);
        advance(step, from);
        left_vector += STEP_VECTORS;
        right_row += STEP;
        right_texel += STEP * width;
        barrier(); /* the turn before has been read */
        left_tile[left_place] = left_brought;
        if (brings_right) {
            right_tile[id] = right_brought;
        }
        barrier();
        ADD_VECTOR(0)
        ADD_VECTOR(1)
        if (STEP_VECTORS > 2) {
            ADD_VECTOR(2)
            ADD_VECTOR(3)
        }
    }

    uint row = first_row + thread_row;
    uint column = first_column + thread_column;
    SUM_EIGHT(STORE)
}
