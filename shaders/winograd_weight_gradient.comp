#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of kernels from that of their 36 products, G^T u G: one input and four outputs an invocation. */
#include "winograd.h"
#include "lib/winograd.glsl"
#include "lib/winograd_weight.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer products;
OUTPUT(1, gradient)

#define LOAD(i, j) vec4 u##i##j = imageLoad(products, int(from + (i * 6 + j) * count));
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3) LOAD(i, 4) LOAD(i, 5)                                                  \
    vec4 r##i##0, r##i##1, r##i##2;                                                                                    \
    winograd_weight_gradient(u##i##0, u##i##1, u##i##2, u##i##3, u##i##4, u##i##5, r##i##0, r##i##1, r##i##2);
#define WRITE(i, j) STORE_AT(gradient, to + (i * 3 + j) * at.step, g##i##j)
#define WRITE_COLUMN(j)                                                                                                \
    vec4 g0##j, g1##j, g2##j;                                                                                          \
    winograd_weight_gradient(r0##j, r1##j, r2##j, r3##j, r4##j, r5##j, g0##j, g1##j, g2##j);                           \
    WRITE(0, j) WRITE(1, j) WRITE(2, j)

void main()
{
    uint from = INVOCATION;
    spot at = find_spot(from);
    uint count = push.count;
    uint to = from < count ? at.weights : NOWHERE;

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    LOAD_ROW(4)
    LOAD_ROW(5)
    WRITE_COLUMN(0)
    WRITE_COLUMN(1)
    WRITE_COLUMN(2)
}
