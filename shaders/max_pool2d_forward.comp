#version 450
#extension GL_GOOGLE_include_directive : require
/* The largest of each window, and which it was: the first of equals, and NaN where there is one, as in PyTorch. */
#include "pool.h"

layout(constant_id = 0) const uint WIDE = 0; /* 1: 16 bits for a place in a window, 0: 8 bits */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Output
{
    vec4 y[];
};
/* By output vector, the places of its four channels: one word of four bytes, or two words of 16 bits twice. */
layout(std430, binding = 2) writeonly restrict buffer Places
{
    uint places[];
};
layout(push_constant) uniform Push
{
    pool_push push;
};

void make_vector(uint index, uint at)
{
    uvec4 place = pool_place(index, push);
    int top = int(place.z * push.stride_height.value) - int(push.padding_height);
    int left = int(place.y * push.stride_width.value) - int(push.padding_width);
    uint start = place.w * push.read_height * push.read_width;

    vec4 best = vec4(uintBitsToFloat(0xff800000u)); /* minus infinity */
    uvec4 best_place = uvec4(max(-top, 0) * push.kernel_width + max(-left, 0));
    uint next = 0;
    for (uint i = 0; i < push.kernel_height; i++) {
        uint row = uint(top) + i; /* beyond the image where it is above it */
        for (uint j = 0; j < push.kernel_width; j++) {
            uint column = uint(left) + j;
            bool inside = row < push.read_height && column < push.read_width;
            uint position = inside ? start + row * push.read_width + column : 0;
            vec4 value = imageLoad(x, int(position * push.channels.value + place.x));
            bvec4 takes = equal(uvec4(greaterThan(value, best)) | uvec4(isnan(value)), uvec4(inside ? 1 : 2));
            best = mix(best, value, takes);
            best_place = mix(best_place, uvec4(next), takes);
            next++;
        }
    }
    y[at] = best;
    if (WIDE == 1) {
        places[2 * at] = best_place.x | best_place.y << 16;
        places[2 * at + 1] = best_place.z | best_place.w << 16;
    } else {
        places[at] = best_place.x | best_place.y << 8 | best_place.z << 16 | best_place.w << 24;
    }
}

#define TURNS 1
#include "lib/each_vector.glsl"
