#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Convolution in which every channel is a group of its own, then the epilogue; or its gradient to the input. An
 * invocation makes four channels of ROWS x 4 neighbouring positions, which share what is loaded:
 *
 *     forward:  y = bias + sum over kernel positions p of weights[p] * x at p
 *     backward: dx = sum over kernel positions p of weights[p] * dy where the input went in at p
 *
 * Backward, strides divide ROWS and DEPTHWISE_COLUMNS, so that every block takes its gradients from the same places.
 */
#include "conv2d_depthwise.h"
#include "lib/depthwise.glsl"
#define EPILOGUE_ID 11
#define EPILOGUE_ROWS 3
#define EPILOGUE_RESIDUAL 4
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(constant_id = 0) const uint BACKWARD = 0;
layout(constant_id = 2) const uint HAS_BIAS = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer image;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer weights;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
OUTPUT(5, made)
PUSH(conv2d_depthwise_push)

/* Along an axis: the first place that a block at 0 reads, rounded up, and how many it reads. */
#define FIRST(kernel, stride, padding, dilation)                                                                       \
    (BACKWARD == 0 ? -padding : (padding - (kernel - 1) * dilation + 4097 * stride - 1) / stride - 4096)
const int FIRST_ROW = FIRST(KERNEL_HEIGHT, STRIDE_HEIGHT, PADDING_HEIGHT, DILATION_HEIGHT);
const int FIRST_COLUMN = FIRST(KERNEL_WIDTH, STRIDE_WIDTH, PADDING_WIDTH, DILATION_WIDTH);
const int READ_ROWS = 1 + (BACKWARD == 0 ? (ROWS - 1) * STRIDE_HEIGHT + (KERNEL_HEIGHT - 1) * DILATION_HEIGHT
                                         : (ROWS - 1 + PADDING_HEIGHT) / STRIDE_HEIGHT - FIRST_ROW);
const int READ_COLUMNS =
    1 + (BACKWARD == 0 ? (DEPTHWISE_COLUMNS - 1) * STRIDE_WIDTH + (KERNEL_WIDTH - 1) * DILATION_WIDTH
                       : (DEPTHWISE_COLUMNS - 1 + PADDING_WIDTH) / STRIDE_WIDTH - FIRST_COLUMN);

vec4 weight[POSITIONS];
int places[READ_COLUMNS];  /* of what is read in a row, from its start */
vec4 values[READ_COLUMNS]; /* of a row */
vec4 sums[DEPTHWISE_ROWS * DEPTHWISE_COLUMNS];

vec4 add_products(vec4 sum, int column, int kernel_row)
{
    for (int i = 0; i < READ_COLUMNS; i++) {
        int j = tap(BACKWARD, column, i, FIRST_COLUMN, KERNEL_WIDTH, STRIDE_WIDTH, PADDING_WIDTH, DILATION_WIDTH);
        if (j >= 0) {
            sum += values[i] * weight[kernel_row * KERNEL_WIDTH + j];
        }
    }
    return sum;
}

/* What an invocation makes: a block by its first position, and a vector of channels. */
struct block {
    uint sample_index, row, column, vector;
};

block find_block(uint index)
{
    uint number = divide(index, push.vectors);
    uint line = divide(number, push.blocks);
    uint column = (number - line * push.blocks.value) * DEPTHWISE_COLUMNS;
    line += push.first_line;
    uint sample_index = divide(line, push.lines);
    uint row = (line - sample_index * push.lines.value) * ROWS;
    return block(sample_index, row, column, index - number * push.vectors.value);
}

/*
 * Where an invocation's positions lie: the sum of the place of a row's first and of a column from there. Those of
 * invocations behind the last one lie behind what is bound.
 */
uvec4 find_rows(block own)
{
    uint row_vectors = push.made_width * push.vectors.value;
    uint to = (own.sample_index * push.made_height + own.row) * row_vectors + own.column * push.vectors.value +
              own.vector - push.made_first;
    return mix(uvec4(NOWHERE), to + FOUR * row_vectors, lessThan(own.row + FOUR, uvec4(push.made_height)));
}

uvec4 find_columns(block own)
{
    return mix(uvec4(NOWHERE), FOUR * push.vectors.value, lessThan(own.column + FOUR, uvec4(push.made_width)));
}

void main()
{
    uint vectors = push.vectors.value;
    uint read_height = push.read_height;
    uint read_width = push.read_width;
    block own = find_block(INVOCATION);
    uint vector = own.vector;
    int top = FIRST_ROW + (BACKWARD == 0 ? int(own.row) * STRIDE_HEIGHT : int(own.row / STRIDE_HEIGHT));
    int left = FIRST_COLUMN + (BACKWARD == 0 ? int(own.column) * STRIDE_WIDTH : int(own.column / STRIDE_WIDTH));

    for (int j = 0; j < READ_COLUMNS; j++) {
        uint column = uint(left + j);
        places[j] = column < read_width ? int(column * vectors + vector) : OUTSIDE;
    }
    /* The image has zeros in its channel padding: with such weights, the sums have as well. */
    for (int i = 0; i < POSITIONS; i++) {
        weight[i] = without_padding(imageLoad(weights, int(i * vectors + vector)), vector, push.channels);
    }
    vec4 start = HAS_BIAS == 0 ? vec4(0) : without_padding(imageLoad(bias, int(vector)), vector, push.channels);
    for (int i = 0; i < DEPTHWISE_ROWS * DEPTHWISE_COLUMNS; i++) {
        sums[i] = start;
    }

#define ADD(at, i)                                                                                                     \
    if (at < ROWS) {                                                                                                   \
        int kernel_row =                                                                                               \
            tap(BACKWARD, at, i, FIRST_ROW, KERNEL_HEIGHT, STRIDE_HEIGHT, PADDING_HEIGHT, DILATION_HEIGHT);            \
        if (kernel_row >= 0) {                                                                                         \
            for (int column = 0; column < DEPTHWISE_COLUMNS; column++) {                                               \
                sums[at * DEPTHWISE_COLUMNS + column] =                                                                \
                    add_products(sums[at * DEPTHWISE_COLUMNS + column], column, kernel_row);                           \
            }                                                                                                          \
        }                                                                                                              \
    }
#define READ(i)                                                                                                        \
    if (i < READ_ROWS) {                                                                                               \
        uint row = uint(top + i);                                                                                      \
        int from = row < read_height ? int((own.sample_index * read_height + row) * read_width * vectors) : OUTSIDE;   \
        for (int j = 0; j < READ_COLUMNS; j++) {                                                                       \
            values[j] = imageLoad(image, from + places[j]);                                                            \
        }                                                                                                              \
        ADD(0, i) ADD(1, i) ADD(2, i) ADD(3, i)                                                                        \
    }
    /*
     * Once, but in a loop that no driver sees through: so all sums are there behind it. Else products are made where the
     * sums are stored, when all that they multiply has left the registers (1.5 times as slow with 16 lanes).
     */
    for (uint turn = 0;;) {
        FOR_READ(READ)
        turn++;
        if (turn >= uniform_digit(1)) {
            break;
        }
    }

    epilogue rows = epilogue_load(vector, vectors);
    uint own_place =
        ((own.sample_index * push.made_height + own.row) * push.made_width + own.column) * vectors + vector;
    uvec4 to_rows = find_rows(own);
    uvec4 to_columns = find_columns(own);
#define OWN(at, column) own_place + (at * push.made_width + column) * vectors
#define STORE_POSITION(at, column)                                                                                     \
    {                                                                                                                  \
        vec4 value = epilogue_apply(sums[at * DEPTHWISE_COLUMNS + column], rows, OWN(at, column));                     \
        value = map_moves_zero(EPILOGUE_MAP) || NORMALISE ? without_padding(value, vector, push.channels) : value;     \
        STORE_AT(made, to_rows[at] + to_columns[column], value)                                                        \
    }
#define STORE_ROW(at)                                                                                                  \
    if (at < ROWS) {                                                                                                   \
        STORE_POSITION(at, 0) STORE_POSITION(at, 1) STORE_POSITION(at, 2) STORE_POSITION(at, 3)                        \
    }
    STORE_ROW(0) STORE_ROW(1) STORE_ROW(2) STORE_ROW(3)
}
