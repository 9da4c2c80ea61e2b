#version 450
#extension GL_GOOGLE_include_directive : require
/* Kernels for 36 products, G g G^T: one input and four outputs an invocation. Panels (matmul.h) to 36 times panels. */
#include "winograd.h"
#include "lib/winograd.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer weights;
layout(std430, binding = 1) writeonly restrict buffer Products
{
    vec4 products[];
};
layout(push_constant) uniform Push
{
    winograd_weight_push push;
};

#define LOAD(i, j) vec4 g##i##j = imageLoad(weights, int(from + (i * 3 + j) * step));
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2)                                                                                   \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5;                                                         \
    winograd_weight(g##i##0, g##i##1, g##i##2, r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5);
#define STORE(i, j) products[to + (i * 6 + j) * count] = u##i##j;
#define STORE_COLUMN(j)                                                                                                \
    vec4 u0##j, u1##j, u2##j, u3##j, u4##j, u5##j;                                                                     \
    winograd_weight(r0##j, r1##j, r2##j, u0##j, u1##j, u2##j, u3##j, u4##j, u5##j);                                    \
    STORE(0, j) STORE(1, j) STORE(2, j) STORE(3, j) STORE(4, j) STORE(5, j)

void main()
{
    uint index = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint count = push.count;
    uint inputs = push.inputs;
    uint row = divide(index, push.vectors); /* input */
    uint column = index - row * push.vectors.value;
    uint panel = column / WINOGRAD_PANEL * WINOGRAD_PANEL;
    uint width = min(WINOGRAD_PANEL, push.vectors.value - panel);
    uint from = panel * 9 * inputs + row * width + column - panel;
    uint step = inputs * width;
    uint to = panel * inputs + row * width + column - panel;

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    if (index < count) {
        STORE_COLUMN(0)
        STORE_COLUMN(1)
        STORE_COLUMN(2)
        STORE_COLUMN(3)
        STORE_COLUMN(4)
        STORE_COLUMN(5)
    }
}
