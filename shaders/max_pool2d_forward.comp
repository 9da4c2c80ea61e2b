#version 450
#extension GL_GOOGLE_include_directive : require
/* The largest of each window, and which it was: the first of equals, and NaN where there is one, as in PyTorch. */
#include "pool.h"
#include "lib/pool.glsl"

layout(constant_id = 5) const uint WIDE = 0; /* 1: 16 bits for a place in a window, 0: 8 bits */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)
/* By output vector, the places of its four channels: one word of four bytes, or two words of 16 bits twice. */
OUTPUT_WORDS(2, places)

vec4 make_vector(uint row, uint column, uint start, uint channel, out uvec2 words)
{
    /* Rows and columns of the input; those before the first are huge numbers, and so beyond the last. */
    uint top = row * STRIDE_HEIGHT - push.padding_height;
    uint left = column * STRIDE_WIDTH - push.padding_width;
    vec4 best = vec4(uintBitsToFloat(0xff800000u)); /* minus infinity */
    uvec4 best_place = uvec4(uint(max(-int(top), 0)) * KERNEL_WIDTH + uint(max(-int(left), 0)));
    for (uint i = 0; i < KERNEL_HEIGHT; i++) {
        for (uint j = 0; j < KERNEL_WIDTH; j++) {
            bool inside = top + i < push.read_height && left + j < push.read_width;
            uint position = inside ? start + (top + i) * push.read_width + left + j : 0;
            vec4 value = imageLoad(x, int(position * push.channels.value + channel));
            value = mix(vec4(uintBitsToFloat(0xff800000u)), value, bvec4(inside));
            bvec4 nan = isnan(value);
            bvec4 takes = bvec4(value.x > best.x || nan.x, value.y > best.y || nan.y, value.z > best.z || nan.z,
                                value.w > best.w || nan.w);
            best = mix(best, value, takes);
            best_place = mix(best_place, uvec4(i * KERNEL_WIDTH + j), takes);
        }
    }
    if (WIDE == 1) {
        words = uvec2(best_place.x | best_place.y << 16, best_place.z | best_place.w << 16);
    } else {
        words = uvec2(best_place.x | best_place.y << 8 | best_place.z << 16 | best_place.w << 24, 0);
    }
    return best;
}

#define MAKE(i) \
    { \
        uvec2 words; \
        vec4 best = make_vector(row, column + i, start, channel, words); \
        STORE_AT(y, POOL_PLACE(i), best) \
        if (WIDE == 1) { \
            STORE_AT(places, POOL_PLACE(i) * 2, words.x) \
            STORE_AT(places, POOL_PLACE(i) * 2 + 1, words.y) \
        } else { \
            STORE_AT(places, POOL_PLACE(i), words.x) \
        } \
    }
#define PREPARE
#include "lib/pool_main.glsl"
