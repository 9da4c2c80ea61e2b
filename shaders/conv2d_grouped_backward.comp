#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of a convolution by groups to its input, four input channels of four neighbouring columns at once; c is a
 * channel's number in its group, o runs over the outputs of that group:
 *
 *     dx = sum over kernel positions p and o of weights[p][c][o] * dy[o] where the input went in at p
 */
#include "conv2d_grouped.h"
#include "lib/grouped_image.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer weights;
OUTPUT(2, dx)

float load_channel(int from, uint channel)
{
    return imageLoad(dy, from + int(channel / 4))[channel % 4];
}

/* The gradients of output `o` of the groups of a vector's four inputs. */
vec4 load_outputs(int from, uvec4 outputs, uint vector, uint o)
{
    if (MODE == GROUPED_DEPTH) {
        return imageLoad(dy, from + int(vector));
    }
    return vec4(load_channel(from, outputs.x + o), load_channel(from, outputs.y + o), load_channel(from, outputs.z + o),
                load_channel(from, outputs.w + o));
}

float load_weight(uint line, uint o)
{
    return imageLoad(weights, int(line + o / 4))[o % 4];
}

/* The weights between a vector's four inputs and output `o` of their groups. */
vec4 load_weights(uint place, uvec4 channels, uvec4 outputs, uint vector, uint weight_vectors, uint o)
{
    if (MODE == GROUPED_DEPTH) {
        return imageLoad(weights, int(place * weight_vectors + vector));
    }
    uvec4 lines = (place + channels) * weight_vectors;
    return vec4(load_weight(lines.x, outputs.x + o), load_weight(lines.y, outputs.y + o),
                load_weight(lines.z, outputs.z + o), load_weight(lines.w, outputs.w + o));
}

#define FIND(t)                                                                                                        \
    uint x##t = first + t + PADDING_WIDTH;                                                                             \
    uint column##t = (x##t - j * DILATION_WIDTH) / STRIDE_WIDTH;                                                       \
    bool inside##t = row_inside && x##t >= j * DILATION_WIDTH &&                                                       \
                     column##t * STRIDE_WIDTH + j * DILATION_WIDTH == x##t && column##t < width;                       \
    int from##t = inside##t ? int((start + column##t) * vectors) : OUTSIDE;
#define ADD(t) sum##t += load_outputs(from##t, outputs, vector, o) * weight;
#define ADD_FOUR(t)                                                                                                    \
    vec4 value##t = imageLoad(dy, from##t + int((outputs.x + o) / 4));                                                 \
    sum##t += vec4(dot(value##t, weight0), dot(value##t, weight1), dot(value##t, weight2), dot(value##t, weight3));
#define WRITE(t) STORE_AT(dx, MADE_PLACE(t), without_padding(sum##t, vector, push.made_channels))

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
    uint y = line - sample_index * push.made_height.value + PADDING_HEIGHT;
    uvec4 group = (vector * 4 + FOUR) / GROUP_INPUTS;
    uvec4 channels = vector * 4 + FOUR - group * GROUP_INPUTS;
    uvec4 outputs = group * GROUP_OUTPUTS;

    vec4 sum0 = vec4(0);
    vec4 sum1 = vec4(0);
    vec4 sum2 = vec4(0);
    vec4 sum3 = vec4(0);
    for (uint i = 0; i < KERNEL_HEIGHT; i++) {
        uint row = (y - i * DILATION_HEIGHT) / STRIDE_HEIGHT; /* beyond the image where it is above it */
        bool row_inside = y >= i * DILATION_HEIGHT && row * STRIDE_HEIGHT + i * DILATION_HEIGHT == y && row < height;
        uint start = (sample_index * height + row) * width;
        for (uint j = 0; j < KERNEL_WIDTH; j++) {
            FIND(0) FIND(1) FIND(2) FIND(3)
            uint place = (i * KERNEL_WIDTH + j) * GROUP_INPUTS;
            if (MODE == GROUPED_FOURS) {
                for (uint o = 0; o < GROUP_OUTPUTS; o += 4) {
                    uint line_at = (place + channels.x) * weight_vectors + (outputs.x + o) / 4;
                    vec4 weight0 = imageLoad(weights, int(line_at));
                    vec4 weight1 = imageLoad(weights, int(line_at + weight_vectors));
                    vec4 weight2 = imageLoad(weights, int(line_at + 2 * weight_vectors));
                    vec4 weight3 = imageLoad(weights, int(line_at + 3 * weight_vectors));
                    ADD_FOUR(0) ADD_FOUR(1) ADD_FOUR(2) ADD_FOUR(3)
                }
                continue;
            }
            for (uint o = 0; o < GROUP_OUTPUTS; o++) {
                vec4 weight = load_weights(place, channels, outputs, vector, weight_vectors, o);
                ADD(0) ADD(1) ADD(2) ADD(3)
            }
        }
    }
    uvec2 target = find_target(made, index < push.count);
    WRITE(0) WRITE(1) WRITE(2) WRITE(3)
}
