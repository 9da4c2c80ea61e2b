#version 450
#extension GL_GOOGLE_include_directive : require
/* y = f(x), element by element; f is a specialization constant. */
#include "lib/math.glsl"
#include "map.h"

layout(constant_id = 0) const uint FUNCTION = MAP_COPY;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    map_push push;
};

/* sigmoid(0) is not 0, and the channel padding must be. */
vec4 without_padding(uint index, vec4 value)
{
    if (push.tail != 0 && index - divide(index, push.stride) * push.stride.value == push.stride.value - 1) {
        return mix(value, vec4(0), greaterThanEqual(uvec4(0, 1, 2, 3), uvec4(push.tail)));
    }
    return value;
}

/* Comparisons are such that NaN stays NaN. */
vec4 apply(uint index, vec4 value)
{
    switch (FUNCTION) {
    case MAP_RELU:
        return mix(value, vec4(0), lessThanEqual(value, vec4(0)));
    case MAP_LEAKY_RELU:
        return mix(value, push.slope * value, lessThanEqual(value, vec4(0)));
    case MAP_SIGMOID:
        return without_padding(index, accurate_sigmoid(value));
    case MAP_TANH:
        return accurate_tanh(value);
    default:
        return value;
    }
}

void make_vector(uint index, uint at)
{
    y[at] = apply(index, imageLoad(x, int(at)));
}

#define TURNS MAP_TURNS
#include "lib/each_vector.glsl"
