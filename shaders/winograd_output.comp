#version 450
#extension GL_GOOGLE_include_directive : require
/* From tiles to an image, A^T m A (+ bias), then the epilogue: 4 x 4 outputs of four channels an invocation. */
#include "winograd.h"
#include "lib/winograd.glsl"
#define EPILOGUE_ID 1
#define EPILOGUE_BINDING 3
#include "lib/epilogue.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(constant_id = 0) const uint HAS_BIAS = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer tiles;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
layout(std430, binding = 2) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    winograd_image_push push;
};

#define LOAD(i, j) vec4 m##i##j = imageLoad(tiles, int(from + (i * 6 + j) * count));
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3) LOAD(i, 4) LOAD(i, 5)                                                  \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3;                                                                           \
    winograd_output(m##i##0, m##i##1, m##i##2, m##i##3, m##i##4, m##i##5, r##i##0, r##i##1, r##i##2, r##i##3);
#define STORE(i, j)                                                                                                    \
    if (exists && top + i < height && left + j < width) {                                                              \
        y[to + (i * width + j) * vectors] = mix(vec4(0), epilogue_apply(y##i##j + offset, rows), inside);              \
    }
#define STORE_COLUMN(j)                                                                                                \
    vec4 y0##j, y1##j, y2##j, y3##j;                                                                                   \
    winograd_output(r0##j, r1##j, r2##j, r3##j, r4##j, r5##j, y0##j, y1##j, y2##j, y3##j);                             \
    STORE(0, j) STORE(1, j) STORE(2, j) STORE(3, j)

void main()
{
    uint from = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint count = push.count;
    uint height = push.height;
    uint width = push.width;
    uint vectors = push.vectors.value;
    uint tile = divide(from, push.vectors);
    uint vector = from - tile * vectors;
    tile += push.first_tile;
    uint line = divide(tile, push.tiles_width);
    uint sample_index = divide(line, push.tiles_height);
    uint top = (line - sample_index * push.tiles_height.value) * WINOGRAD_TILE;
    uint left = (tile - line * push.tiles_width.value) * WINOGRAD_TILE;
    uint to = (((sample_index - push.first_sample) * height + top) * width + left) * vectors + vector;
    bool exists = from < count;
    bvec4 inside = lessThan(uvec4(vector * 4) + uvec4(0, 1, 2, 3), uvec4(push.channels));
    epilogue rows = epilogue_load(vector, vectors);
    vec4 offset = HAS_BIAS == 1 ? imageLoad(bias, int(vector)) : vec4(0);

    LOAD_ROW(0)
    LOAD_ROW(1)
    LOAD_ROW(2)
    LOAD_ROW(3)
    LOAD_ROW(4)
    LOAD_ROW(5)
    STORE_COLUMN(0)
    STORE_COLUMN(1)
    STORE_COLUMN(2)
    STORE_COLUMN(3)
}
