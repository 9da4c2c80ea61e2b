#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of the weights of a convolution in which every channel is a group of its own, over a chunk of a shard's
 * blocks of outputs: for every kernel position p of four channels
 *
 *     dweights[p] = sum over output positions of x at p * dy
 */
#include "conv2d_depthwise.h"
#include "lib/depthwise.glsl"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(2, sums)
PUSH(conv2d_depthwise_weight_push)

/* Of the input, for a block of outputs. */
const int READ_ROWS = 1 + (ROWS - 1) * STRIDE_HEIGHT + (KERNEL_HEIGHT - 1) * DILATION_HEIGHT;
const int READ_COLUMNS = 1 + (DEPTHWISE_COLUMNS - 1) * STRIDE_WIDTH + (KERNEL_WIDTH - 1) * DILATION_WIDTH;

const uint FAR = 0x1000000; /* a row that no image has */

vec4 sum[POSITIONS];
vec4 values[READ_COLUMNS]; /* of a row of the input */
vec4 gradients[DEPTHWISE_ROWS * DEPTHWISE_COLUMNS];

/*
 * The loop over the array is the outer one, for that one drivers write out however much is in it. If one stays, the sums
 * stay in memory: for 5 x 5 with stride 2 lavapipe then compiles for minutes.
 */
void add_products(int at, int kernel_row)
{
    for (int i = 0; i < READ_COLUMNS; i++) {
        for (int column = 0; column < DEPTHWISE_COLUMNS; column++) {
            int j = tap(0, column, i, 0, KERNEL_WIDTH, STRIDE_WIDTH, PADDING_WIDTH, DILATION_WIDTH);
            if (j >= 0) {
                sum[kernel_row * KERNEL_WIDTH + j] += values[i] * gradients[at * DEPTHWISE_COLUMNS + column];
            }
        }
    }
}

void main()
{
    uint index = INVOCATION;
    divisor blocks = push.blocks;
    divisor lines = push.lines;
    uint vectors = push.vectors.value;
    uint output_height = push.output_height;
    uint output_width = push.output_width;
    uint input_height = push.input_height;
    uint input_width = push.input_width;

    uint made = divide(index, push.vectors);
    uint vector = index - made * vectors;
    uint chunk = push.first_chunk + made;
    uint shard = divide(chunk, push.chunks);
    chunk -= shard * push.chunks.value;
    uint block = shard * push.shard_blocks + chunk * push.chunk_blocks;
    uint end = min(block + push.chunk_blocks, (shard + 1) * push.shard_blocks);
    uint channels = push.channels;
    uint turns = push.chunk_blocks;

    for (int i = 0; i < POSITIONS; i++) {
        sum[i] = vec4(0);
    }
    /* All turn equally often: what invocations have after a loop that their neighbours left later is not reliable. */
    for (uint turn = 0;;) {
        uint line = divide(block, blocks);
        uint first_column = (block - line * blocks.value) * DEPTHWISE_COLUMNS;
        uint sample_index = divide(line, lines);
        uint first_row = block < end ? (line - sample_index * lines.value) * ROWS : FAR;
        int top = int(first_row) * STRIDE_HEIGHT - PADDING_HEIGHT;
        int left = int(first_column) * STRIDE_WIDTH - PADDING_WIDTH;

        int places[READ_COLUMNS]; /* of what is read in a row, from its start */
        for (int j = 0; j < READ_COLUMNS; j++) {
            uint column = uint(left + j);
            places[j] = column < input_width ? int(column * vectors + vector) : OUTSIDE;
        }
#define LOAD(at, column)                                                                                               \
    gradients[at * DEPTHWISE_COLUMNS + column] =                                                                       \
        imageLoad(dy, first_row + at < output_height && first_column + column < output_width                           \
                          ? int(from + (at * output_width + column) * vectors)                                         \
                          : OUTSIDE);
#define LOAD_ROW(at)                                                                                                   \
    if (at < ROWS) {                                                                                                   \
        LOAD(at, 0) LOAD(at, 1) LOAD(at, 2) LOAD(at, 3)                                                                \
    }
        uint from = ((sample_index * output_height + first_row) * output_width + first_column) * vectors + vector;
        LOAD_ROW(0) LOAD_ROW(1) LOAD_ROW(2) LOAD_ROW(3)

#define ADD(at, i)                                                                                                     \
    if (at < ROWS) {                                                                                                   \
        int kernel_row = tap(0, at, i, 0, KERNEL_HEIGHT, STRIDE_HEIGHT, PADDING_HEIGHT, DILATION_HEIGHT);              \
        if (kernel_row >= 0) {                                                                                         \
            add_products(at, kernel_row);                                                                              \
        }                                                                                                              \
    }
#define READ(i)                                                                                                        \
    if (i < READ_ROWS) {                                                                                               \
        uint row = uint(top + i);                                                                                      \
        int start = row < input_height ? int((sample_index * input_height + row) * input_width * vectors) : OUTSIDE;   \
        for (int j = 0; j < READ_COLUMNS; j++) {                                                                       \
            values[j] = imageLoad(x, start + places[j]);                                                               \
        }                                                                                                              \
        ADD(0, i) ADD(1, i) ADD(2, i) ADD(3, i)                                                                        \
    }
        FOR_READ(READ)
        block++;
        turn++;
        if (turn >= turns) {
            break;
        }
    }
    /* Where the first sum lies; that of each next kernel position is `vectors` further. */
    uint to = index < push.count ? made * push.step + vector : NOWHERE;
#define WRITE(i)                                                                                                       \
    if (i < POSITIONS) {                                                                                               \
        STORE_AT(sums, to + i * vectors, without_padding(sum[min(i, POSITIONS - 1)], vector, channels))                \
    }
    FOR_SUM(WRITE)
}
