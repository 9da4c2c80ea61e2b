#version 450
#extension GL_GOOGLE_include_directive : require
/* gradient = factor * (softmax(logits) - onehot(label)); the padding gets 0. */
#include "lib/math.glsl"
#include "softmax_cross_entropy.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer saved; /* see softmax_cross_entropy_forward */
OUTPUT(2, gradient)
PUSH(softmax_cross_entropy_backward_push)

vec4 make_vector(uint index, uint at)
{
    uint row = divide(index, push.stride);
    vec4 state = imageLoad(saved, int(row));
    uvec4 classes = uvec4((index - row * push.stride.value) * 4) + uvec4(0, 1, 2, 3);
    vec4 probability = accurate_exp_negative((imageLoad(prediction, int(index)) - state.x) - state.y);
    vec4 result = state.z * (probability - vec4(equal(classes, uvec4(state.w))));
    /* What only fills up the batch may hold anything. */
    bvec4 nothing = greaterThanEqual(classes, uvec4(state.z == 0.0 ? 0 : push.classes));
    return mix(result, vec4(0), nothing);
}

#define TURNS SOFTMAX_TURNS
#define RESULT gradient
#include "lib/each_vector.glsl"
