#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of kernels from that of their 36 products, G^T u G: one input and four outputs an invocation. */
#include "winograd.h"
#include "lib/winograd.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer products;
layout(std430, binding = 1) writeonly restrict buffer Gradient
{
    vec4 gradient[];
};
layout(push_constant) uniform Push
{
    winograd_weight_push push;
};

#define LOAD(i, j) vec4 u##i##j = imageLoad(products, int(from + (i * 6 + j) * count));
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3) LOAD(i, 4) LOAD(i, 5)                                                  \
    vec4 r##i##0, r##i##1, r##i##2;                                                                                    \
    winograd_weight_gradient(u##i##0, u##i##1, u##i##2, u##i##3, u##i##4, u##i##5, r##i##0, r##i##1, r##i##2);
#define STORE(i, j) gradient[to + (i * 3 + j) * step] = g##i##j;
#define STORE_COLUMN(j)                                                                                                \
    vec4 g0##j, g1##j, g2##j;                                                                                          \
    winograd_weight_gradient(r0##j, r1##j, r2##j, r3##j, r4##j, r5##j, g0##j, g1##j, g2##j);                           \
    STORE(0, j) STORE(1, j) STORE(2, j)

void main()
{
    uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint count = push.count;
    uint inputs = push.inputs;
    uint row = divide(index, push.vectors); /* input */
    uint column = index - row * push.vectors.value;
    uint panel = column / WINOGRAD_PANEL * WINOGRAD_PANEL;
    uint width = min(WINOGRAD_PANEL, push.vectors.value - panel);
    uint from = panel * inputs + row * width + column - panel;
    uint to = panel * 9 * inputs + row * width + column - panel;
    uint step = inputs * width;

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    LOAD_ROW(4)
    LOAD_ROW(5)
    if (index < count) {
        STORE_COLUMN(0)
        STORE_COLUMN(1)
        STORE_COLUMN(2)
    }
}
