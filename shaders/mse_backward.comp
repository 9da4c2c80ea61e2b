#version 450
#extension GL_GOOGLE_include_directive : require
/* gradient = weight * loss_scale * scale * (prediction - target) */
#include "mse.h"
#include "step.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer target;
layout(binding = 2, r32f) readonly restrict uniform imageBuffer weights; /* [sample] */
layout(std430, binding = 3) readonly restrict buffer Step
{
    step_scalars scalars;
};
OUTPUT(4, gradient)
PUSH(mse_backward_push)

vec4 make_vector(uint index, uint at)
{
    float weight = imageLoad(weights, int(divide(index, push.sample_vectors))).x;
    vec4 error = imageLoad(prediction, int(index)) - imageLoad(target, int(index));
    return weight == 0.0 ? vec4(0) : weight * scalars.loss_scale * push.scale * error;
}

#define TURNS MSE_TURNS
#define RESULT gradient
#include "lib/each_vector.glsl"
