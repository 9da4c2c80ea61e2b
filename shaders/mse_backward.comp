#version 450
#extension GL_GOOGLE_include_directive : require
/* gradient = weight * loss_scale * scale * (prediction - target), four elements an invocation. */
#include "mse.h"
#include "step.h"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint FOURS = 1; /* a sample */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer target;
layout(binding = 2, r32f) readonly restrict uniform imageBuffer weights; /* [sample] */
layout(std430, binding = 3) readonly restrict buffer Step
{
    step_scalars scalars;
};
layout(std430, binding = 4) writeonly restrict buffer Gradient
{
    vec4 gradient[];
};
layout(push_constant) uniform Push
{
    mse_push push;
};

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint index = group * 64 + gl_LocalInvocationID.x;
    if (index >= push.total) {
        return;
    }
    float weight = imageLoad(weights, int(index / FOURS)).x;
    vec4 error = imageLoad(prediction, int(index)) - imageLoad(target, int(index));
    gradient[index] = weight == 0.0 ? vec4(0) : weight * scalars.loss_scale * push.scale * error;
}
