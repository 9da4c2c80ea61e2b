#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Convolution by groups, four output channels o of a position at once; c counts the inputs of o's group:
 *
 *     y[o] = bias[o] + sum over kernel positions p and c of weights[p][c][o] * x[group of o * GROUP_INPUTS + c]
 */
#include "conv2d_grouped.h"
#include "lib/grouped.glsl"

layout(constant_id = 11) const uint HAS_BIAS = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer weights;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
layout(std430, binding = 3) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    conv2d_grouped_push push;
};

float load_channel(int from, uint channel)
{
    return imageLoad(x, from + int(channel / 4))[channel % 4];
}

vec4 weight(uint line, uint vector, uint vectors)
{
    return imageLoad(weights, int(line * vectors + vector));
}

void make_vector(uint index, uint at)
{
    uint position = divide(index, push.made_vectors);
    uint vector = index - position * push.made_vectors.value;
    uint line = divide(position, push.made_width);
    uint sample_index = divide(line, push.made_height);
    uint top = (line - sample_index * push.made_height.value) * STRIDE_HEIGHT - PADDING_HEIGHT;
    uint first = (position - line * push.made_width.value) * STRIDE_WIDTH - PADDING_WIDTH;
    uint height = push.read_height;
    uint width = push.read_width;
    uint vectors = push.read_vectors;
    uint weight_vectors = push.weight_vectors;
    uint start = sample_index * height * width;
    uvec4 inputs = (vector * 4 + FOUR) / GROUP_OUTPUTS * GROUP_INPUTS;

    vec4 sum = HAS_BIAS == 1 ? imageLoad(bias, int(vector)) : vec4(0);
    for (uint i = 0; i < KERNEL_HEIGHT; i++) {
        uint row = top + i * DILATION_HEIGHT; /* beyond the image where it is above it */
        for (uint j = 0; j < KERNEL_WIDTH; j++) {
            uint column = first + j * DILATION_WIDTH;
            bool inside = row < height && column < width;
            int from = inside ? int((start + row * width + column) * vectors) : -0x40000000; /* which reads as 0 */
            uint place = (i * KERNEL_WIDTH + j) * GROUP_INPUTS;
            if (MODE == GROUPED_DEPTH) {
                sum += imageLoad(x, from + int(vector)) * weight(place, vector, weight_vectors);
            } else if (MODE == GROUPED_FOURS) {
                for (uint c = 0; c < GROUP_INPUTS; c += 4) {
                    vec4 value = imageLoad(x, from + int((inputs.x + c) / 4));
                    sum += value.x * weight(place + c, vector, weight_vectors);
                    sum += value.y * weight(place + c + 1, vector, weight_vectors);
                    sum += value.z * weight(place + c + 2, vector, weight_vectors);
                    sum += value.w * weight(place + c + 3, vector, weight_vectors);
                }
            } else {
                for (uint c = 0; c < GROUP_INPUTS; c++) {
                    vec4 value = vec4(load_channel(from, inputs.x + c), load_channel(from, inputs.y + c),
                                      load_channel(from, inputs.z + c), load_channel(from, inputs.w + c));
                    sum += value * weight(place + c, vector, weight_vectors);
                }
            }
        }
    }
    y[at] = without_padding(sum, vector, push.made_channels);
}

#define TURNS 1
#include "lib/each_vector.glsl"
