#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = dy f'(x), with f' from y = f(x): x itself need not be kept. */
#include "map.h"

layout(constant_id = 0) const uint FUNCTION = MAP_COPY;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer y;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
layout(std430, binding = 2) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    map_push push;
};

vec4 derivative(vec4 value, vec4 gradient)
{
    switch (FUNCTION) {
    case MAP_RELU:
        return mix(gradient, vec4(0), lessThanEqual(value, vec4(0)));
    case MAP_LEAKY_RELU:
        return mix(gradient, push.slope * gradient, lessThanEqual(value, vec4(0)));
    case MAP_SIGMOID:
        return gradient * (1.0 - value) * value;
    case MAP_TANH:
        return gradient * (1.0 - value * value);
    default:
        return gradient;
    }
}

void make_vector(uint index, uint at)
{
    dx[at] = derivative(imageLoad(y, int(at)), imageLoad(dy, int(at)));
}

#define TURNS MAP_TURNS
#include "lib/each_vector.glsl"
