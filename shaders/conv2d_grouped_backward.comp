#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of a convolution by groups to its input, four input channels of a position at once; c is a channel's
 * number in its group, o runs over the outputs of that group:
 *
 *     dx = sum over kernel positions p and o of weights[p][c][o] * dy[o] where the input went in at p
 */
#include "conv2d_grouped.h"
#include "lib/grouped.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer weights;
layout(std430, binding = 2) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    conv2d_grouped_push push;
};

/* The product for one input channel and output `o`. */
float product(int from, uint line, uint vectors, uint o)
{
    return imageLoad(dy, from + int(o / 4))[o % 4] * imageLoad(weights, int(line * vectors + o / 4))[o % 4];
}

void make_vector(uint index, uint at)
{
    uint position = divide(index, push.made_vectors);
    uint vector = index - position * push.made_vectors.value;
    uint line = divide(position, push.made_width);
    uint sample_index = divide(line, push.made_height);
    uint y = line - sample_index * push.made_height.value + PADDING_HEIGHT;
    uint x = position - line * push.made_width.value + PADDING_WIDTH;
    uint height = push.read_height;
    uint width = push.read_width;
    uint vectors = push.read_vectors;
    uint weight_vectors = push.weight_vectors;
    uint start = sample_index * height * width;
    uvec4 group = (vector * 4 + FOUR) / GROUP_INPUTS;
    uvec4 input_channel = vector * 4 + FOUR - group * GROUP_INPUTS;
    uvec4 outputs = group * GROUP_OUTPUTS;

    vec4 sum = vec4(0);
    for (uint i = 0; i < KERNEL_HEIGHT; i++) {
        uint row = (y - i * DILATION_HEIGHT) / STRIDE_HEIGHT; /* beyond the image where it is above it */
        bool row_inside = y >= i * DILATION_HEIGHT && row * STRIDE_HEIGHT + i * DILATION_HEIGHT == y && row < height;
        for (uint j = 0; j < KERNEL_WIDTH; j++) {
            uint column = (x - j * DILATION_WIDTH) / STRIDE_WIDTH;
            bool inside = row_inside && x >= j * DILATION_WIDTH &&
                          column * STRIDE_WIDTH + j * DILATION_WIDTH == x && column < width;
            int from = inside ? int((start + row * width + column) * vectors) : -0x40000000; /* which reads as 0 */
            uint place = (i * KERNEL_WIDTH + j) * GROUP_INPUTS;
            if (MODE == GROUPED_DEPTH) {
                sum += imageLoad(dy, from + int(vector)) * imageLoad(weights, int(place * weight_vectors + vector));
            } else if (MODE == GROUPED_FOURS) {
                int at_weight = int((place + input_channel.x) * weight_vectors + outputs.x / 4);
                for (uint o = 0; o < GROUP_OUTPUTS / 4; o++) {
                    vec4 value = imageLoad(dy, from + int(outputs.x / 4 + o));
                    sum.x += dot(value, imageLoad(weights, at_weight + int(o)));
                    sum.y += dot(value, imageLoad(weights, at_weight + int(weight_vectors + o)));
                    sum.z += dot(value, imageLoad(weights, at_weight + int(2 * weight_vectors + o)));
                    sum.w += dot(value, imageLoad(weights, at_weight + int(3 * weight_vectors + o)));
                }
            } else {
                for (uint o = 0; o < GROUP_OUTPUTS; o++) {
                    sum.x += product(from, place + input_channel.x, weight_vectors, outputs.x + o);
                    sum.y += product(from, place + input_channel.y, weight_vectors, outputs.y + o);
                    sum.z += product(from, place + input_channel.z, weight_vectors, outputs.z + o);
                    sum.w += product(from, place + input_channel.w, weight_vectors, outputs.w + o);
                }
            }
        }
    }
    dx[at] = without_padding(sum, vector, push.made_channels);
}

#define TURNS 1
#include "lib/each_vector.glsl"
