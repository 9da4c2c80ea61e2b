#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * PARTS invocations share a sample and leave one partial sum each; part p adds the fours p, p + PARTS, ... so that
 * neighbours read neighbouring memory. The padding is zero on both sides and adds nothing.
 */
#include "mse.h"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint FOURS = 1; /* a sample */
layout(constant_id = 1) const uint PARTS = 1; /* at most FOURS */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer target;
layout(binding = 2, r32f) readonly restrict uniform imageBuffer weights; /* [sample] */
/* By sample and part: weighted sum of squares / elements, weight (first part only), the same of absolute errors, 0. */
layout(std430, binding = 3) writeonly restrict buffer Losses
{
    vec4 losses[];
};
layout(push_constant) uniform Push
{
    mse_push push;
};

float add(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint index = group * 64 + gl_LocalInvocationID.x;
    if (index >= push.total) {
        return;
    }
    uint first = index / PARTS * FOURS;
    uint part = index % PARTS;
    vec4 squares = vec4(0), absolutes = vec4(0);
    for (uint four = part; four < FOURS; four += PARTS) {
        vec4 error = imageLoad(prediction, int(first + four)) - imageLoad(target, int(first + four));
        squares += error * error;
        absolutes += abs(error);
    }
    float weight = imageLoad(weights, int(index / PARTS)).x;
    float factor = weight * push.scale;
    /* A sample that only fills up the batch may hold anything. */
    losses[index] = weight == 0.0 ? vec4(0)
                                  : vec4(factor * add(squares), part == 0 ? weight : 0.0, factor * add(absolutes), 0.0);
}
