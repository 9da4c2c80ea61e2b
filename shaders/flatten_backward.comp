#version 450
#extension GL_GOOGLE_include_directive : require
/* From a vector in PyTorch's order back to channels-last memory, four channels at a time. */
#include "flatten.h"

layout(binding = 0, r32f) readonly restrict uniform imageBuffer dy;
layout(std430, binding = 1) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    flatten_push push;
};

void make_vector(uint index, uint at)
{
    uint sample_index = divide(index, push.sample_vectors);
    uint vector = index - sample_index * push.sample_vectors.value;
    uint position = divide(vector, push.stride);
    uint channel = (vector - position * push.stride.value) * 4;
    uint start = sample_index * push.flat_stride + position * push.position_step;
    vec4 value = vec4(0);
    for (uint i = 0; i < 4; i++) {
        if (channel + i < push.channels) {
            value[i] = imageLoad(dy, int(start + (channel + i) * push.channel_step)).x;
        }
    }
    dx[at] = value;
}

#define TURNS 1
#include "lib/each_vector.glsl"
