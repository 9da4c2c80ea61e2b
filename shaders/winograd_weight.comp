#version 450
#extension GL_GOOGLE_include_directive : require
/* Kernels for 36 products, G g G^T: one input and four outputs an invocation. Panels (matmul.h) to 36 times panels. */
#include "winograd.h"
#include "lib/winograd.glsl"
#include "lib/winograd_weight.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer weights;
OUTPUT(1, products)

#define LOAD(i, j) vec4 g##i##j = imageLoad(weights, int(at.weights + (i * 3 + j) * at.step));
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2)                                                                                   \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5;                                                         \
    winograd_weight(g##i##0, g##i##1, g##i##2, r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5);
#define WRITE(i, j) STORE_AT(products, to + (i * 6 + j) * count, u##i##j)
#define WRITE_COLUMN(j)                                                                                                \
    vec4 u0##j, u1##j, u2##j, u3##j, u4##j, u5##j;                                                                     \
    winograd_weight(r0##j, r1##j, r2##j, u0##j, u1##j, u2##j, u3##j, u4##j, u5##j);                                    \
    WRITE(0, j) WRITE(1, j) WRITE(2, j) WRITE(3, j) WRITE(4, j) WRITE(5, j)

void main()
{
    uint index = INVOCATION;
    spot at = find_spot(index);
    uint count = push.count;
    uint to = index < count ? index : NOWHERE;

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    WRITE_COLUMN(0)
    WRITE_COLUMN(1)
    WRITE_COLUMN(2)
    WRITE_COLUMN(3)
    WRITE_COLUMN(4)
    WRITE_COLUMN(5)
}
