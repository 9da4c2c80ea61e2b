#version 450
// total += loss_scale * x, where the step's scalars say what loss_scale is.
#extension GL_GOOGLE_include_directive : require
#include "step.h"

layout(local_size_x = 8) in;
layout(binding = 0, r32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) readonly restrict buffer Scalars { step_scalars scalars; };
layout(std430, binding = 2) restrict buffer Total { float total[]; };

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i < total.length()) {
        total[i] += imageLoad(x, int(i)).x * scalars.loss_scale;
    }
}
