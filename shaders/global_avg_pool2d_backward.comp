#version 450
#extension GL_GOOGLE_include_directive : require
/* Every position gets its channel's gradient divided by the number of positions. */
#include "global_avg_pool2d.h"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(std430, binding = 1) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    global_avg_pool2d_push push;
};

void make_vector(uint index, uint at)
{
    uint position = divide(index, push.channels);
    uint sample_index = divide(position, push.positions);
    uint channel = index - position * push.channels.value;
    dx[at] = imageLoad(dy, int(sample_index * push.channels.value + channel)) * push.scale;
}

#define TURNS GLOBAL_AVG_POOL2D_TURNS
#include "lib/each_vector.glsl"
