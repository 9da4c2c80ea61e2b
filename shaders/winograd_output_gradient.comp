#version 450
#extension GL_GOOGLE_include_directive : require
/* Tiles of the gradient of an output, A dy A^T: 4 x 4 of them, of four channels, an invocation. */
#include "winograd.h"
#include "lib/padding.glsl"
#include "lib/winograd.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
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
    vec4 y##i##j = imageLoad(dy, top + i < height && left + j < width ? from + (i * width + j) * vectors : OUTSIDE);
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3)                                                                        \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5;                                                         \
    winograd_output_gradient(y##i##0, y##i##1, y##i##2, y##i##3, r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5);
#define STORE(i, j) tiles[to + (i * 6 + j) * count] = m##i##j;
#define STORE_COLUMN(j)                                                                                                \
    vec4 m0##j, m1##j, m2##j, m3##j, m4##j, m5##j;                                                                     \
    winograd_output_gradient(r0##j, r1##j, r2##j, r3##j, m0##j, m1##j, m2##j, m3##j, m4##j, m5##j);                    \
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
    int top = int(line - sample_index * push.tiles_height.value) * WINOGRAD_TILE;
    int left = int(tile - line * push.tiles_width.value) * WINOGRAD_TILE;
    int from = ((int(sample_index) * height + top) * width + left) * vectors + vector;

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    if (to < count) {
        STORE_COLUMN(0)
        STORE_COLUMN(1)
        STORE_COLUMN(2)
        STORE_COLUMN(3)
        STORE_COLUMN(4)
        STORE_COLUMN(5)
    }
}
