#version 450
#extension GL_GOOGLE_include_directive : require
/* The mean of each window: over the whole window, or over the part of it that lies in the image. */
#include "pool.h"

layout(constant_id = 0) const uint INCLUDE_PADDING = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Output
{
    vec4 y[];
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

    vec4 sum = vec4(0);
    uint count = 0;
    for (uint i = 0; i < push.kernel_height; i++) {
        uint row = uint(top) + i; /* beyond the image where it is above it */
        for (uint j = 0; j < push.kernel_width; j++) {
            uint column = uint(left) + j;
            bool inside = row < push.read_height && column < push.read_width;
            uint position = inside ? start + row * push.read_width + column : 0;
            vec4 value = imageLoad(x, int(position * push.channels.value + place.x));
            sum += mix(vec4(0), value, bvec4(inside));
            count += inside ? 1 : 0;
        }
    }
    y[at] = sum / float(INCLUDE_PADDING == 1 ? push.kernel_height * push.kernel_width : count);
}

#define TURNS 1
#include "lib/each_vector.glsl"
