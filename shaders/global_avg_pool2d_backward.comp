#version 450
#extension GL_GOOGLE_include_directive : require
/* Every position gets its channel's gradient divided by the number of positions. */
#include "global_avg_pool2d.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(1, dx)
PUSH(global_avg_pool2d_push)

vec4 make_vector(uint index, uint at)
{
    uint position = divide(index, push.channels);
    uint sample_index = divide(position, push.positions);
    uint channel = index - position * push.channels.value;
    return imageLoad(dy, int(sample_index * push.channels.value + channel)) * push.scale;
}

#define TURNS GLOBAL_AVG_POOL2D_TURNS
#define RESULT dx
#include "lib/each_vector.glsl"
