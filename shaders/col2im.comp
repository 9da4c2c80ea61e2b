#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * x[c][y][x] = the sum over kernel positions (i, j) of columns[(y + padding - i) / stride][(x ...) / stride][(i, j, c)],
 * where those are whole and inside: what windows hold, added where the windows overlap.
 */
#include "col2im.h"
#include "lib/padding.glsl"
#include "lib/store.glsl"

/* 1: the image has one channel, and four kernel positions are a vector. */
layout(constant_id = 0) const uint SINGLE = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer columns;
OUTPUT(1, image)
PUSH(col2im_push)

vec4 make_vector(uint index, uint at)
{
    int kernel_height = int(push.kernel_height);
    int kernel_width = int(push.kernel_width);
    int read_height = int(push.read_height);
    int read_width = int(push.read_width);
    int channels = int(push.channels.value);
    int stride_height = int(push.stride_height.value);
    int stride_width = int(push.stride_width.value);

    uint position = divide(index, push.channels);
    uint line = divide(position, push.width);
    uint sample_index = divide(line, push.height);
    uint y = line - sample_index * push.height.value + push.padding_height;
    uint x = position - line * push.width.value + push.padding_width;
    /* The last window that begins at or before the position, and where in it the position lies. */
    int window_y = int(divide(y, push.stride_height));
    int last_x = int(divide(x, push.stride_width));
    int i = int(y) - window_y * stride_height;
    int first_j = int(x) - last_x * stride_width;
    int start = int(sample_index - push.first_sample) * read_height * read_width;
    int row_size = int(push.row_vectors);
    int channel = int(index - position * push.channels.value);

    /* The same for all invocations (compute/kernel_specialise.h says why); loops as in lib/tile.glsl. */
    int row_turns = int(divide(push.kernel_height + push.stride_height.value - 1, push.stride_height));
    int column_turns = int(divide(push.kernel_width + push.stride_width.value - 1, push.stride_width));

    vec4 sum = vec4(0);
    for (int row_turn = 0; row_turn < row_turns;) {
        bool inside = i < kernel_height && uint(window_y) < uint(read_height);
        int window_x = last_x;
        int j = first_j;
        for (int column_turn = 0; column_turn < column_turns;) {
            int row = start + window_y * read_width + window_x;
            int place = i * kernel_width + j;
            int texel = row * row_size + (SINGLE == 1 ? place >> 2 : place * channels + channel);
            bool found = inside && j < kernel_width && uint(window_x) < uint(read_width);
            vec4 value = imageLoad(columns, found ? texel : OUTSIDE);
            if (SINGLE == 1) {
                vec2 half_value = (place & 2) == 0 ? value.xy : value.zw;
                sum.x += (place & 1) == 0 ? half_value.x : half_value.y;
            } else {
                sum += value;
            }
            window_x--;
            j += stride_width;
            column_turn++;
            if (column_turn >= column_turns) {
                break;
            }
        }
        window_y--;
        i += stride_height;
        row_turn++;
        if (row_turn >= row_turns) {
            break;
        }
    }
    return sum;
}

#define TURNS 1
#define RESULT image
#include "lib/each_vector.glsl"
