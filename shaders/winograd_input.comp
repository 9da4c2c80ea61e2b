#version 450
#extension GL_GOOGLE_include_directive : require
/* Tiles of an image, B^T d B: 6 x 6 inputs, overlapping by 2, of four channels an invocation. */
#include "winograd.h"
#include "lib/padding.glsl"
#include "lib/winograd.glsl"
#include "lib/winograd_tiles.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, tiles)

/* One texel of row i. */
#define LOAD(i, j)                                                                                                     \
    bool inside##i##j = uint(top + i) < uint(height) && uint(left + j) < uint(width);                                  \
    vec4 d##i##j = imageLoad(x, inside##i##j ? from + (i * width + j) * vectors : OUTSIDE);
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3) LOAD(i, 4) LOAD(i, 5)                                                  \
    winograd_input(d##i##0, d##i##1, d##i##2, d##i##3, d##i##4, d##i##5);
#define WRITE(i, j) STORE_AT(tiles, to + (i * 6 + j) * step, d##i##j)
#define WRITE_COLUMN(j)                                                                                                \
    winograd_input(d0##j, d1##j, d2##j, d3##j, d4##j, d5##j);                                                          \
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
    int top = int(at.top) - int(push.padding_height);
    int left = int(at.left) - int(push.padding_width);
    int from = ((int(at.sample_index) * height + top) * width + left) * vectors + int(at.vector);

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    LOAD_ROW(4)
    LOAD_ROW(5)
    WRITE_COLUMN(0)
    WRITE_COLUMN(1)
    WRITE_COLUMN(2)
    WRITE_COLUMN(3)
    WRITE_COLUMN(4)
    WRITE_COLUMN(5)
}
