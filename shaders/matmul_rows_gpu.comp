#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[row][n] = sum over k of left[row][k] * right[k][n] (+ bias[n]), then the epilogue, as matmul_rows.comp, for GPUs
 * (lib/tile_gpu.glsl).
 *
 * The sum over k runs in one order. Where there are too few tiles for a GPU, k is cut into parts, each summed into an
 * output of its own (the bias goes to the first), and another kernel adds them in order and does the epilogue.
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_gpu.glsl"
#define EPILOGUE_ID 8
#define EPILOGUE_ROWS 4
#define EPILOGUE_RESIDUAL 5
#include "lib/epilogue.glsl"

layout(constant_id = 2) const uint HAS_BIAS = 0;
layout(constant_id = 3) const uint PANELS = 1;  /* 0: right lies row by row */
layout(constant_id = 4) const uint SCATTER = 0; /* 1: results go to every stride-th position of an image */

layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
layout(std430, binding = 3) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    matmul_rows_gpu_push push;
};

const uint STEP_VECTORS = STEP / 4;
/* A gap behind the rows of every vector of k, so that invocations that write together meet no bank twice. */
const uint LEFT_STRIDE = TILE_ROWS + 8 / STEP_VECTORS;

shared vec4 left_tile[STEP_VECTORS * LEFT_STRIDE]; /* [vector of k][row] */
shared vec4 right_tile[STEP * COLUMN_VECTORS];     /* [k][vector of columns] */

/* A turn on. */
void advance(inout gather_step step, gather_sizes from)
{
    int channel = step.channel + int(STEP_VECTORS);
    if (GATHER == GATHER_ROWS || (WHOLE == 1 && channel < from.channels)) {
        step.channel = channel;
    } else if (WHOLE == 1) { /* STEP_VECTORS channels at the least: the next kernel position */
        step.channel = from.channels - 1;
        gather_advance(step, 1, from);
        step.channel = channel - from.channels;
    } else {
        gather_advance(step, 1, from);
        gather_advance(step, 1, from);
        if (STEP_VECTORS > 2) {
            gather_advance(step, 1, from);
            gather_advance(step, 1, from);
        }
    }
}

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

/* Vector of the bound output at which a row begins. */
uint find_place(uint row, gather_sizes from, uint columns)
{
    if (SCATTER == 0) {
        return (row - push.first_row) * columns;
    }
    scatter places = push.places;
    uint line = divide(row, from.made_width);
    uint sample_index = divide(line, from.made_height);
    uint x = (row - line * from.made_width.value) * pair_width(places.stride) + pair_width(places.first);
    uint y = (line - sample_index * from.made_height.value) * pair_height(places.stride) + pair_height(places.first);
    sample_index -= places.first_sample;
    return ((sample_index * pair_height(places.size) + y) * pair_width(places.size) + x) * columns;
}

void store(uint row, uint column, vec4 sum, bool is_first, gather_sizes from)
{
    uint columns = (push.columns + 3) / 4;
    if (row >= push.end_row || column >= columns) {
        return;
    }
    if (HAS_BIAS == 1 && is_first) {
        sum += imageLoad(bias, int(column));
    }
    sum = epilogue_apply(sum, epilogue_load(column, columns), row * columns + column);
    uint skipped = push.parts > 1 ? (push.end_row - push.first_row) * columns : push.batch.result;
    y[find_place(row, from, columns) + column + gl_WorkGroupID.z * skipped] =
        without_padding(sum, column, push.columns);
}

#define STORE(i)                                                                                                       \
    if (i < SUM_ROWS) {                                                                                                \
        store(row + i * THREAD_ROWS, column, s##i##0, part == 0, from);                                                      \
        if (SUM_VECTORS > 1) {                                                                                         \
            store(row + i * THREAD_ROWS, column + THREAD_COLUMNS, s##i##1, part == 0, from);                                 \
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
