#version 450
#extension GL_GOOGLE_include_directive : require
/* Tiles of an image, B^T d B: 6 x 6 inputs, overlapping by 2, of four channels an invocation. */
#include "winograd.h"
#include "lib/padding.glsl"
#include "lib/winograd.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Tiles
{
    vec4 tiles[];
};
layout(push_constant) uniform Push
{
    winograd_image_push push;
};

/* One texel of row i. */
#define LOAD(i, j)                                                                                                     \
    vec4 d##i##j = imageLoad(x, uint(top + i) < uint(height) && uint(left + j) < uint(width) ? from + (i * width + j) * vectors    \
                                                                                 : OUTSIDE);
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3) LOAD(i, 4) LOAD(i, 5)                                                  \
    winograd_input(d##i##0, d##i##1, d##i##2, d##i##3, d##i##4, d##i##5);
#define STORE(i, j) tiles[to + (i * 6 + j) * count] = d##i##j;
#define STORE_COLUMN(j)                                                                                                \
    winograd_input(d0##j, d1##j, d2##j, d3##j, d4##j, d5##j);                                                          \
    STORE(0, j) STORE(1, j) STORE(2, j) STORE(3, j) STORE(4, j) STORE(5, j)

void main()
{
    uint to = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint count = push.count;
    int height = int(push.height);
    int width = int(push.width);
    int vectors = int(push.vectors.value);
    uint tile = divide(to, push.vectors);
    int vector = int(to - tile * push.vectors.value);
    tile += push.first_tile;
    uint line = divide(tile, push.tiles_width);
    uint sample_index = divide(line, push.tiles_height);
    int top = int(line - sample_index * push.tiles_height.value) * WINOGRAD_TILE - int(push.padding_height);
    int left = int(tile - line * push.tiles_width.value) * WINOGRAD_TILE - int(push.padding_width);
    int from = ((int(sample_index) * height + top) * width + left) * vectors + vector;

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    LOAD_ROW(4)
    LOAD_ROW(5)
    if (to < count) {
        STORE_COLUMN(0)
        STORE_COLUMN(1)
        STORE_COLUMN(2)
        STORE_COLUMN(3)
        STORE_COLUMN(4)
        STORE_COLUMN(5)
    }
}
