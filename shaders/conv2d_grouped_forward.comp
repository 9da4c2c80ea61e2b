#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Convolution by groups, four output channels o of four neighbouring columns at once; c counts the inputs of o's group:
 *
 *     y[o] = bias[o] + sum over kernel positions p and c of weights[p][c][o] * x[group of o * GROUP_INPUTS + c], then the epilogue
 *
 * Weights are loaded once for the four columns, and inputs that windows share once for all of them: the same loads,
 * written out, are one to the compiler.
 */
#include "conv2d_grouped.h"
#include "lib/grouped_image.glsl"
#define EPILOGUE_ID 12
#define EPILOGUE_ROWS 3
#define EPILOGUE_RESIDUAL 4
#include "lib/epilogue.glsl"

layout(constant_id = 11) const uint HAS_BIAS = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer weights;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
OUTPUT(5, y)

float load_channel(int from, uint channel)
{
    return imageLoad(x, from + int(channel / 4))[channel % 4];
}

/* What the four outputs of a vector take from input `c` of their groups; `from` is the texel of a position. */
vec4 load_inputs(int from, uvec4 inputs, uint vector, uint c)
{
    if (MODE == GROUPED_DEPTH) {
        return imageLoad(x, from + int(vector));
    }
    return vec4(load_channel(from, inputs.x + c), load_channel(from, inputs.y + c), load_channel(from, inputs.z + c),
                load_channel(from, inputs.w + c));
}

#define FIND(t)                                                                                                        \
    uint column##t = left + t * STRIDE_WIDTH + j * DILATION_WIDTH;                                                     \
    int from##t = row_inside && column##t < width ? int((start + column##t) * vectors) : OUTSIDE;
#define ADD(t) sum##t += load_inputs(from##t, inputs, vector, c) * weight;
#define ADD_FOUR(t)                                                                                                    \
    vec4 value##t = imageLoad(x, from##t + int((inputs.x + c) / 4));                                                   \
    sum##t += value##t.x * weight0 + value##t.y * weight1 + value##t.z * weight2 + value##t.w * weight3;
#define WRITE(t)                                                                                                       \
    STORE_AT(y, MADE_PLACE(t),                                                                                         \
             without_padding(epilogue_apply(sum##t, rows, own + t * push.made_vectors.value), vector,                  \
                             push.made_channels))

void main()
{
    uint height = push.read_height;
    uint width = push.read_width;
    uint vectors = push.read_vectors;
    uint weight_vectors = push.weight_vectors;

    uint index = INVOCATION;
    block made = find_block(index);
    uint vector = made.vector;
    uint first = made.first;
    uint line = push.first_line + made.line;
    uint sample_index = divide(line, push.made_height);
    uint top = (line - sample_index * push.made_height.value) * STRIDE_HEIGHT - PADDING_HEIGHT;
    uint left = first * STRIDE_WIDTH - PADDING_WIDTH;
    uvec4 inputs = (vector * 4 + FOUR) / GROUP_OUTPUTS * GROUP_INPUTS;

    vec4 sum0 = HAS_BIAS == 1 ? imageLoad(bias, int(vector)) : vec4(0);
    vec4 sum1 = sum0;
    vec4 sum2 = sum0;
    vec4 sum3 = sum0;
    for (uint i = 0; i < KERNEL_HEIGHT; i++) {
        uint row = top + i * DILATION_HEIGHT; /* beyond the image where it is above it */
        bool row_inside = row < height;
        uint start = (sample_index * height + row) * width;
        for (uint j = 0; j < KERNEL_WIDTH; j++) {
            FIND(0) FIND(1) FIND(2) FIND(3)
            if (MODE == GROUPED_FOURS) {
                for (uint c = 0; c < GROUP_INPUTS; c += 4) {
                    uint place = ((i * KERNEL_WIDTH + j) * GROUP_INPUTS + c) * weight_vectors + vector;
                    vec4 weight0 = imageLoad(weights, int(place));
                    vec4 weight1 = imageLoad(weights, int(place + weight_vectors));
                    vec4 weight2 = imageLoad(weights, int(place + 2 * weight_vectors));
                    vec4 weight3 = imageLoad(weights, int(place + 3 * weight_vectors));
                    ADD_FOUR(0) ADD_FOUR(1) ADD_FOUR(2) ADD_FOUR(3)
                }
                continue;
            }
            for (uint c = 0; c < GROUP_INPUTS; c++) {
                uint place = ((i * KERNEL_WIDTH + j) * GROUP_INPUTS + c) * weight_vectors + vector;
                vec4 weight = imageLoad(weights, int(place));
                ADD(0) ADD(1) ADD(2) ADD(3)
            }
        }
    }
    epilogue rows = epilogue_load(vector, push.made_vectors.value);
    uint own = (line * push.made_width + first) * push.made_vectors.value + vector;
    uvec2 target = find_target(made, index < push.count);
    WRITE(0) WRITE(1) WRITE(2) WRITE(3)
}
