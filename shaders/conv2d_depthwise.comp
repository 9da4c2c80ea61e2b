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
#define EPILOGUE_BINDING 3
#include "lib/epilogue.glsl"

layout(constant_id = 0) const uint BACKWARD = 0;
layout(constant_id = 2) const uint HAS_BIAS = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer image;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer weights;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
layout(std430, binding = 4) writeonly restrict buffer Output
{
    vec4 made[];
};
layout(push_constant) uniform Push
{
    conv2d_depthwise_push push;
};

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

void main()
{
    uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint vectors = push.vectors.value;
    uint made_height = push.made_height;
    uint made_width = push.made_width;
    uint read_height = push.read_height;
    uint read_width = push.read_width;

    uint block = divide(index, push.vectors);
    uint vector = index - block * vectors;
    uint line = divide(block, push.blocks);
    uint first_column = (block - line * push.blocks.value) * DEPTHWISE_COLUMNS;
    line += push.first_line;
    uint sample_index = divide(line, push.lines);
    uint first_row = (line - sample_index * push.lines.value) * ROWS;
    uint to = ((sample_index * made_height + first_row) * made_width + first_column) * vectors + vector -
              push.made_first;
    int top = FIRST_ROW + (BACKWARD == 0 ? int(first_row) * STRIDE_HEIGHT : int(first_row / STRIDE_HEIGHT));
    int left = FIRST_COLUMN + (BACKWARD == 0 ? int(first_column) * STRIDE_WIDTH : int(first_column / STRIDE_WIDTH));
    uint rows_made = index < push.count ? min(made_height - first_row, ROWS) : 0;
    uint columns_made = made_width - first_column;

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
        int from = row < read_height ? int((sample_index * read_height + row) * read_width * vectors) : OUTSIDE;       \
        for (int j = 0; j < READ_COLUMNS; j++) {                                                                       \
            values[j] = imageLoad(image, from + places[j]);                                                            \
        }                                                                                                              \
        ADD(0, i) ADD(1, i) ADD(2, i) ADD(3, i)                                                                        \
    }
    FOR_READ(READ)

    epilogue rows = epilogue_load(vector, vectors);
#define STORE(at, column)                                                                                              \
    if (uint(at) < rows_made && column < columns_made) {                                                               \
        vec4 value = epilogue_apply(sums[at * DEPTHWISE_COLUMNS + column], rows);                                      \
        made[to + (at * made_width + column) * vectors] =                                                              \
            map_moves_zero(EPILOGUE_MAP) || NORMALISE == 1 ? without_padding(value, vector, push.channels) : value;    \
    }
#define STORE_ROW(at) STORE(at, 0) STORE(at, 1) STORE(at, 2) STORE(at, 3)
    STORE_ROW(0) STORE_ROW(1) STORE_ROW(2) STORE_ROW(3)
}
