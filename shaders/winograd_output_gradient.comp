#version 450
#extension GL_GOOGLE_include_directive : require
/* Tiles of the gradient of an output, A dy A^T: 4 x 4 of them, of four channels, an invocation. */
#include "winograd.h"
#include "lib/padding.glsl"
#include "lib/winograd.glsl"
#include "lib/winograd_tiles.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(1, tiles)

/* One texel of row i. */
#define LOAD(i, j)                                                                                                     \
    vec4 y##i##j = imageLoad(dy, top + i < height && left + j < width ? from + (i * width + j) * vectors : OUTSIDE);
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3)                                                                        \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5;                                                         \
    winograd_output_gradient(y##i##0, y##i##1, y##i##2, y##i##3, r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5);
#define WRITE(i, j) STORE_AT(tiles, to + (i * 6 + j) * step, m##i##j)
#define WRITE_COLUMN(j)                                                                                                \
    vec4 m0##j, m1##j, m2##j, m3##j, m4##j, m5##j;                                                                     \
    winograd_output_gradient(r0##j, r1##j, r2##j, r3##j, m0##j, m1##j, m2##j, m3##j, m4##j, m5##j);                    \
    WRITE(0, j) WRITE(1, j) WRITE(2, j) WRITE(3, j) WRITE(4, j) WRITE(5, j)

void main()
{
    made_tile made = find_tile(INVOCATION);
    spot at = made.at;
    uint step = made.step;
    uint to = made.to;
    int height = int(push.height);
    int width = int(push.width);
    int vectors = int(push.vectors.value);
    int top = int(at.top);
    int left = int(at.left);
    int from = ((int(at.sample_index) * height + top) * width + left) * vectors + int(at.vector);

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    WRITE_COLUMN(0)
    WRITE_COLUMN(1)
    WRITE_COLUMN(2)
    WRITE_COLUMN(3)
    WRITE_COLUMN(4)
    WRITE_COLUMN(5)
}
