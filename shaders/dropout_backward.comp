#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = dy mask / (1 - p) with the mask of the forward pass. */
#include "dropout.h"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 1, r32ui) readonly restrict uniform uimageBuffer mask;
layout(std430, binding = 2) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    dropout_push push;
};

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint invocation = group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint first = dropout_first(invocation);
    uint count = push.part.count;
    float scale = push.scale;
    uint word = imageLoad(mask, int(push.part.first / DROPOUT_TURNS + invocation)).x;
    for (uint turn = 0; turn < DROPOUT_TURNS; turn++) {
        uint at = first + turn * DROPOUT_NEIGHBOURS;
        bvec4 kept = notEqual(uvec4(word) & (uvec4(1, 2, 4, 8) << turn * 4), uvec4(0));
        if (at < count) {
            dx[at] = mix(vec4(0), scale * imageLoad(dy, int(at)), kept);
        }
    }
}
