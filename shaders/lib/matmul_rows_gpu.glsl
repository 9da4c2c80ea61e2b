/*
 * What the kernels of matmul_rows() on GPUs share: operands, constants, and the way to the output. To be included
 * behind their tile (lib/tile_gpu.glsl, lib/tile_matrix.glsl).
 *
 * Where there are too few tiles for a GPU, k is cut into parts, each summed into an output of its own (the bias goes to
 * the first), and another kernel adds them in order and does the epilogue.
 */
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
