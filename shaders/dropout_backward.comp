#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = dy mask / (1 - p) with the mask of the forward pass. */
#include "lib/dropout.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 1, r32ui) readonly restrict uniform uimageBuffer mask;
OUTPUT(2, dx)
PUSH(dropout_push)

void main()
{
    uint invocation = INVOCATION;
    uint word = imageLoad(mask, int(push.part.first / DROPOUT_TURNS + invocation)).x;
    DROP(dx, dy, dropout_first(invocation), word)
}
