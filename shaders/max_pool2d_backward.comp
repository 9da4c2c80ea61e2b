#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of an input: the sum over the windows that cover it and whose largest it was. */
#include "pool.h"

layout(constant_id = 0) const uint WIDE = 0; /* as in the forward pass */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 1, r32ui) readonly restrict uniform uimageBuffer places;
layout(std430, binding = 2) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    pool_push push;
};

uvec4 load_places(uint at)
{
    if (WIDE == 1) {
        uvec2 words = uvec2(imageLoad(places, int(2 * at)).x, imageLoad(places, int(2 * at + 1)).x);
        return uvec4(words.x & 0xffff, words.x >> 16, words.y & 0xffff, words.y >> 16);
    }
    return uvec4(imageLoad(places, int(at)).x) >> uvec4(0, 8, 16, 24) & 0xff;
}

void make_vector(uint index, uint at)
{
    uvec4 place = pool_place(index, push);
    uint y = place.z + push.padding_height;
    uint x = place.y + push.padding_width;
    uint last_row = divide(y, push.stride_height);
    uint last_column = divide(x, push.stride_width);
    uint i_least = y - last_row * push.stride_height.value;
    uint j_least = x - last_column * push.stride_width.value;
    uint start = place.w * push.read_height * push.read_width;

    vec4 sum = vec4(0);
    for (uint k = 0; k < push.turns_height; k++) {
        uint row = last_row - k; /* beyond the image where it is above it */
        uint i = i_least + k * push.stride_height.value;
        bool row_inside = row < push.read_height && i < push.kernel_height;
        for (uint l = 0; l < push.turns_width; l++) {
            uint column = last_column - l;
            uint j = j_least + l * push.stride_width.value;
            bool inside = row_inside && column < push.read_width && j < push.kernel_width;
            uint position = inside ? start + row * push.read_width + column : 0;
            uint vector = position * push.channels.value + place.x;
            uint window = inside ? i * push.kernel_width + j : 0xffffffffu;
            sum += mix(vec4(0), imageLoad(dy, int(vector)), equal(load_places(vector), uvec4(window)));
        }
    }
    dx[at] = sum;
}

#define TURNS 1
#include "lib/each_vector.glsl"
