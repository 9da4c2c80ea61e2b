#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of a grouped convolution's weights over a chunk of a shard's rows (samples and output positions): for
 * kernel position p, input c of a group and four outputs o
 *
 *     dweights[p][c][o] = sum over rows of x[group of o * GROUP_INPUTS + c] at p * dy[o]
 */
#include "conv2d_grouped.h"
#include "lib/grouped.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
layout(std430, binding = 2) writeonly restrict buffer Sums
{
    vec4 sums[];
};
layout(push_constant) uniform Push
{
    conv2d_grouped_weight_push push;
};

float load_channel(int from, uint channel)
{
    return imageLoad(x, from + int(channel / 4))[channel % 4];
}

void make_vector(uint index, uint at)
{
    divisor output_width = push.output_width;
    divisor output_height = push.output_height;
    uint height = push.input_height;
    uint width = push.input_width;
    uint vectors = push.input_vectors;
    uint weight_vectors = push.weight_vectors.value;

    uint part = divide(index, push.elements);
    uint shard = divide(part, push.chunks);
    uint chunk = part - shard * push.chunks.value;
    uint element = index - part * push.elements.value;
    uint line = divide(element, push.weight_vectors);
    uint vector = element - line * weight_vectors;
    uint c = line % GROUP_INPUTS;
    uint i = line / GROUP_INPUTS / KERNEL_WIDTH * DILATION_HEIGHT;
    uint j = line / GROUP_INPUTS % KERNEL_WIDTH * DILATION_WIDTH;
    uvec4 inputs = (vector * 4 + FOUR) / GROUP_OUTPUTS * GROUP_INPUTS + c;

    uint row = shard * push.shard_rows + chunk * push.chunk_rows;
    uint end = min(row + push.chunk_rows, (shard + 1) * push.shard_rows);
    vec4 sum = vec4(0);
    for (; row < end; row++) {
        uint image_row = divide(row, output_width);
        uint sample_index = divide(image_row, output_height);
        uint in_y = (image_row - sample_index * output_height.value) * STRIDE_HEIGHT - PADDING_HEIGHT + i;
        uint in_x = (row - image_row * output_width.value) * STRIDE_WIDTH - PADDING_WIDTH + j;
        bool inside = in_y < height && in_x < width;
        int from = inside ? int(((sample_index * height + in_y) * width + in_x) * vectors) : -0x40000000;
        vec4 value;
        if (MODE == GROUPED_DEPTH) {
            value = imageLoad(x, from + int(vector));
        } else if (MODE == GROUPED_FOURS) {
            value = vec4(load_channel(from, inputs.x));
        } else {
            value = vec4(load_channel(from, inputs.x), load_channel(from, inputs.y), load_channel(from, inputs.z),
                         load_channel(from, inputs.w));
        }
        sum += value * imageLoad(dy, int(row * weight_vectors + vector));
    }
    sums[at] = without_padding(sum, vector, push.output_channels);
}

#define TURNS 1
#include "lib/each_vector.glsl"
