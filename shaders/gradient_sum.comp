#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of a value with several consumers: sum = left + right. */
#include "gradient_sum.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer left;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
OUTPUT(2, sum)
PUSH(gradient_sum_push)

vec4 make_vector(uint index, uint at)
{
    return imageLoad(left, int(at)) + imageLoad(right, int(at));
}

#define TURNS GRADIENT_SUM_TURNS
#define RESULT sum
#include "lib/each_vector.glsl"
