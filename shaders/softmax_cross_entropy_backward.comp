#version 450
#extension GL_GOOGLE_include_directive : require
/* gradient = factor * (softmax(logits) - onehot(label)), four classes an invocation; the padding gets 0. */
#include "softmax_cross_entropy.h"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint CLASSES = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer saved; /* see softmax_cross_entropy_forward */
layout(std430, binding = 2) writeonly restrict buffer Gradient
{
    vec4 gradient[];
};
layout(push_constant) uniform Push
{
    softmax_cross_entropy_push push;
};

const uint STRIDE = (CLASSES + 3) / 4; /* in fours */

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint index = group * 64 + gl_LocalInvocationID.x;
    if (index >= push.rows * STRIDE) {
        return;
    }
    uint row = index / STRIDE;
    vec4 state = imageLoad(saved, int(row));
    if (state.z == 0.0) {
        gradient[index] = vec4(0);
        return;
    }
    ivec4 classes = ivec4(int(index % STRIDE) * 4) + ivec4(0, 1, 2, 3);
    vec4 probability = exp((imageLoad(prediction, int(index)) - state.x) - state.y);
    vec4 result = state.z * (probability - vec4(equal(classes, ivec4(int(state.w)))));
    gradient[index] = mix(result, vec4(0), greaterThanEqual(classes, ivec4(int(CLASSES))));
}
