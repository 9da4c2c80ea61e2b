#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of an input: the sum over the windows that cover it and whose largest it was. */
#include "pool.h"
#include "lib/pool.glsl"

layout(constant_id = 5) const uint WIDE = 0; /* as in the forward pass */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 1, r32ui) readonly restrict uniform uimageBuffer places;
OUTPUT(2, dx)

uvec4 load_places(uint at)
{
    if (WIDE == 1) {
        uvec2 words = uvec2(imageLoad(places, int(2 * at)).x, imageLoad(places, int(2 * at + 1)).x);
        return uvec4(words.x & 0xffff, words.x >> 16, words.y & 0xffff, words.y >> 16);
    }
    return uvec4(imageLoad(places, int(at)).x) >> uvec4(0, 8, 16, 24) & 0xff;
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
            bool inside = window.x < push.read_height && window.y < push.read_width && j < KERNEL_WIDTH;
            uint position = inside ? start + window.x * push.read_width + window.y : 0;
            uint vector = position * push.channels.value + channel;
            /* A row behind the window gives a place that no window has. */
            uint place = inside ? i * KERNEL_WIDTH + j : 0xffffffffu;
            sum += mix(vec4(0), imageLoad(dy, int(vector)), equal(load_places(vector), uvec4(place)));
        }
    }
    return sum;
}

#define MAKE(i) STORE_AT(dx, POOL_PLACE(i), make_vector(row, column + i, start, channel))
#include "lib/pool_main.glsl"
