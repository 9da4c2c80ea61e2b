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

#define WINDOW(window, vector)                                                                                         \
    vec4 gradient = imageLoad(dy, int(vector));                                                                        \
    uvec4 largest = load_places(vector);
/* A row behind the window gives a place that no window has. */
#define PART(reached, i, j)                                                                                            \
    mix(vec4(0), gradient, equal(largest, uvec4(reached ? i * KERNEL_WIDTH + j : 0xffffffffu)))
#include "lib/pool_backward.glsl"
