#version 450
// The gradient of a value with several consumers: sum = left + right. Reads through texel buffers and whole vector stores,
// which is what CPUs want; neighbouring invocations touch neighbouring vectors, which is what GPUs want.
#extension GL_GOOGLE_include_directive : require
#include "gradient_sum.h"

layout(local_size_x = 8) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer left;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
layout(std430, binding = 2) writeonly restrict buffer Sum { vec4 sum[]; };
layout(push_constant) uniform Push { gradient_sum_push push; };

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first = group * GRADIENT_SUM_VECTORS + gl_LocalInvocationID.x;
    for (uint i = 0; i < GRADIENT_SUM_VECTORS / 8; i++) {
        uint at = first + i * 8;
        if (at < push.count) {
            sum[at] = imageLoad(left, int(at)) + imageLoad(right, int(at));
        }
    }
}
