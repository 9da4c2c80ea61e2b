#version 450
#extension GL_GOOGLE_include_directive : require
/* From a vector in PyTorch's order back to channels-last memory, four channels at a time. */
#include "flatten.h"
#include "lib/store.glsl"

layout(binding = 0, r32f) readonly restrict uniform imageBuffer dy;
OUTPUT(1, dx)
PUSH(flatten_push)

vec4 make_vector(uint index, uint at)
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
    return value;
}

#define TURNS 1
#define RESULT dx
#include "lib/each_vector.glsl"
