#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of a grouped convolution's weights over a chunk of a shard's blocks, four neighbouring output columns
 * each: for kernel position p, input c of a group and four outputs o
 *
 *     dweights[p][c][o] = sum over output positions of x[group of o * GROUP_INPUTS + c] at p * dy[o]
 *
 * for several columns of one kernel row at once, which share what is loaded.
 */
#include "conv2d_grouped.h"
#include "lib/grouped.glsl"
#include "lib/store.glsl"

layout(constant_id = 11) const uint PART_WIDTH = 1; /* columns of the kernel that an invocation sums for, at most 7 */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(2, sums)
PUSH(conv2d_grouped_weight_push)

const uint FAR = 0x1000000; /* a column that no image has */

float load_channel(int from, uint channel)
{
    return imageLoad(x, from + int(channel / 4))[channel % 4];
}

vec4 load_inputs(int from, uvec4 inputs, uint vector)
{
    if (MODE == GROUPED_DEPTH) {
        return imageLoad(x, from + int(vector));
    }
    if (MODE == GROUPED_FOURS) {
        return vec4(load_channel(from, inputs.x));
    }
    return vec4(load_channel(from, inputs.x), load_channel(from, inputs.y), load_channel(from, inputs.z),
                load_channel(from, inputs.w));
}

#define COLUMNS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6)
#define DECLARE(j) vec4 sum##j = vec4(0);
#define ADD_PRODUCT(j, t)                                                                                              \
    {                                                                                                                  \
        uint column = left + t * STRIDE_WIDTH + j * DILATION_WIDTH;                                                    \
        int from = row_inside && column < width ? int((start + column) * vectors) : OUTSIDE;                           \
        sum##j += load_inputs(from, inputs, vector) * dy##t;                                                           \
    }
#define ADD(j)                                                                                                         \
    if (j < PART_WIDTH) {                                                                                              \
        ADD_PRODUCT(j, 0) ADD_PRODUCT(j, 1) ADD_PRODUCT(j, 2) ADD_PRODUCT(j, 3)                                        \
    }
#define WRITE(j)                                                                                                       \
    if (j < PART_WIDTH) {                                                                                              \
        STORE_AT(sums, PLACE(j), without_padding(sum##j, vector, output_channels))                                     \
    }
#define LOAD(t)                                                                                                        \
    vec4 dy##t = imageLoad(dy, first + t < output_width ? int(((line * output_width) + first + t) * output_vectors +   \
                                                              vector)                                                  \
                                                        : OUTSIDE);

/* What an invocation sums for: a vector of outputs, an input of their groups, a part of a row of the kernel. */
struct element {
    uint made, kernel_row, first_column, c, vector; /* made: number of the chunk among those bound */
};

element find_element(uint index)
{
    const uint parts = (KERNEL_WIDTH + PART_WIDTH - 1) / PART_WIDTH;
    uint made = divide(index, push.elements);
    uint number = index - made * push.elements.value;
    uint place = divide(number, push.output_vectors);
    uint part = place / GROUP_INPUTS;
    return element(made, part / parts, part % parts * PART_WIDTH, place % GROUP_INPUTS,
                   number - place * push.output_vectors.value);
}

/* Where an invocation's first sum lies, and how many columns of the kernel there are from it on. */
uvec2 find_target(element found, bool exists)
{
    uint line = (found.kernel_row * KERNEL_WIDTH + found.first_column) * GROUP_INPUTS + found.c;
    return uvec2(found.made * push.step + line * push.output_vectors.value + found.vector,
                 exists ? KERNEL_WIDTH - found.first_column : 0);
}

void main()
{
    divisor output_blocks = push.output_blocks;
    divisor output_height = push.output_height;
    uint output_width = push.output_width;
    uint output_vectors = push.output_vectors.value;
    uint output_channels = push.output_channels;
    uint height = push.input_height;
    uint width = push.input_width;
    uint vectors = push.input_vectors;

    uint index = INVOCATION;
    element own = find_element(index);
    uint shard = divide(push.first_chunk + own.made, push.chunks);
    uint chunk = push.first_chunk + own.made - shard * push.chunks.value;
    uint vector = own.vector;
    uint kernel_row = own.kernel_row;
    uint first_column = own.first_column;
    uvec4 inputs = (vector * 4 + FOUR) / GROUP_OUTPUTS * GROUP_INPUTS + own.c;

    uint block = shard * push.shard_blocks + chunk * push.chunk_blocks;
    uint end = min(block + push.chunk_blocks, (shard + 1) * push.shard_blocks);
    uint turns = push.chunk_blocks;
    COLUMNS(DECLARE)
    /* All turn equally often: what invocations have after a loop that their neighbours left later is not reliable. */
    for (uint turn = 0;;) {
        uint line = divide(block, output_blocks);
        uint first = block < end ? (block - line * output_blocks.value) * GROUPED_BLOCK : FAR;
        uint sample_index = divide(line, output_height);
        uint row = (line - sample_index * output_height.value) * STRIDE_HEIGHT - PADDING_HEIGHT +
                   kernel_row * DILATION_HEIGHT;
        bool row_inside = row < height;
        uint start = (sample_index * height + row) * width;
        uint left = first * STRIDE_WIDTH - PADDING_WIDTH + first_column * DILATION_WIDTH;
        LOAD(0) LOAD(1) LOAD(2) LOAD(3)
        COLUMNS(ADD)
        block++;
        turn++;
        if (turn >= turns) {
            break;
        }
    }
    uvec2 target = find_target(own, index < push.count);
#define PLACE(j) mix(NOWHERE, target.x + j * GROUP_INPUTS * output_vectors, j < target.y)
    COLUMNS(WRITE)
}
