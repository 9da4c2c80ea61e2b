#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of an input: the sum over the windows that cover it, each divided as in the forward pass. */
#include "pool.h"
#include "lib/pool.glsl"

layout(constant_id = 5) const uint INCLUDE_PADDING = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(1, dx)

/* Positions that a forward window was divided by, along one axis. */
uint divided_by(uint window, uint stride, uint padding, uint kernel, uint size)
{
    if (INCLUDE_PADDING == 1) {
        return kernel;
    }
    return min(window * stride + kernel, size + padding) - max(window * stride, padding);
}

vec4 make_vector(uint row, uint column, uint start, uint channel)
{
    uint last_row = (row + push.padding_height) / STRIDE_HEIGHT;
    uint last_column = (column + push.padding_width) / STRIDE_WIDTH;
    vec4 sum = vec4(0);
    for (uint k = 0; k < COVER_HEIGHT; k++) {
        for (uint l = 0; l < COVER_WIDTH; l++) {
            /* A window, beyond the image where it would lie before it, and the place in it. */
            uvec2 window = uvec2(last_row - k, last_column - l);
            uint i = row + push.padding_height - window.x * STRIDE_HEIGHT;
            uint j = column + push.padding_width - window.y * STRIDE_WIDTH;
            bool inside = window.x < push.read_height && window.y < push.read_width && i < KERNEL_HEIGHT &&
                          j < KERNEL_WIDTH;
            uint position = inside ? start + window.x * push.read_width + window.y : 0;
            uint count = divided_by(window.x, STRIDE_HEIGHT, push.padding_height, KERNEL_HEIGHT, push.height.value) *
                         divided_by(window.y, STRIDE_WIDTH, push.padding_width, KERNEL_WIDTH, push.width);
            vec4 gradient = imageLoad(dy, int(position * push.channels.value + channel));
            sum += mix(vec4(0), gradient / float(count), bvec4(inside));
        }
    }
    return sum;
}

#define MAKE(i) STORE_AT(dx, POOL_PLACE(i), make_vector(row, column + i, start, channel))
#include "lib/pool_main.glsl"
