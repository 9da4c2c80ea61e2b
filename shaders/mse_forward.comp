#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Several invocations share a sample and leave one partial sum each; part p adds the vectors p, p + parts, ... so that
 * neighbours read neighbouring memory. The padding is zero on both sides and adds nothing.
 */
#include "mse.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer target;
layout(binding = 2, r32f) readonly restrict uniform imageBuffer weights; /* [sample] */
/* By sample and part: weighted sum of squares / elements, weight (first part only), the same of absolute errors, 0. */
OUTPUT(3, losses)
PUSH(mse_forward_push)

float add(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

vec4 make_vector(uint index, uint at)
{
    uint sample_index = divide(index, push.parts);
    uint part = index - sample_index * push.parts.value;
    uint first = sample_index * push.vectors;
    vec4 squares = vec4(0);
    vec4 absolutes = vec4(0);
    for (uint vector = part; vector < push.vectors; vector += push.parts.value) {
        vec4 error = imageLoad(prediction, int(first + vector)) - imageLoad(target, int(first + vector));
        squares += error * error;
        absolutes += abs(error);
    }
    float weight = imageLoad(weights, int(sample_index)).x;
    float factor = weight * push.scale;
    vec4 loss = vec4(factor * add(squares), part == 0 ? weight : 0.0, factor * add(absolutes), 0.0);
    /* A sample that only fills up the batch may hold anything. */
    return weight == 0.0 ? vec4(0) : loss;
}

#define TURNS 1
#define RESULT losses
#include "lib/each_vector.glsl"
