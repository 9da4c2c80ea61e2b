#version 450
#extension GL_GOOGLE_include_directive : require
/* From tiles to an image, A^T m A (+ bias), then the epilogue: 4 x 4 outputs of four channels an invocation. */
#include "winograd.h"
#include "lib/winograd.glsl"
#include "lib/winograd_image.glsl"
#define EPILOGUE_ID 1
#define EPILOGUE_ROWS 3
#define EPILOGUE_RESIDUAL 4
#include "lib/epilogue.glsl"

layout(constant_id = 0) const uint HAS_BIAS = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer tiles;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
OUTPUT(2, y)

#define LOAD(i, j) vec4 m##i##j = imageLoad(tiles, int(from + (i * 6 + j) * count));
#define LOAD_ROW(i)                                                                                                    \
    LOAD(i, 0) LOAD(i, 1) LOAD(i, 2) LOAD(i, 3) LOAD(i, 4) LOAD(i, 5)                                                  \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3;                                                                           \
    winograd_output(m##i##0, m##i##1, m##i##2, m##i##3, m##i##4, m##i##5, r##i##0, r##i##1, r##i##2, r##i##3);
#define OWN(i, j) own + (i * push.width + j) * push.vectors.value
#define WRITE(i, j)                                                                                                    \
    STORE_AT(y, row[i] + column[j], mix(vec4(0), epilogue_apply(y##i##j + offset, rows, OWN(i, j)), inside))
#define WRITE_COLUMN(j)                                                                                                \
    vec4 y0##j, y1##j, y2##j, y3##j;                                                                                   \
    winograd_output(r0##j, r1##j, r2##j, r3##j, r4##j, r5##j, y0##j, y1##j, y2##j, y3##j);                             \
    WRITE(0, j) WRITE(1, j) WRITE(2, j) WRITE(3, j)

/* Where the four rows of a tile begin, and how much further on its columns are. */
uvec4 row_places(spot at, bool exists)
{
    uvec4 row = at.top + uvec4(0, 1, 2, 3);
    uvec4 line = ((at.sample_index - push.first_sample) * push.height + row) * push.width;
    bvec4 made = lessThan(row, uvec4(exists ? push.height : 0));
    return mix(uvec4(NOWHERE), line * push.vectors.value + at.vector, made);
}

uvec4 column_places(spot at)
{
    uvec4 column = at.left + uvec4(0, 1, 2, 3);
    return mix(uvec4(NOWHERE), column * push.vectors.value, lessThan(column, uvec4(push.width)));
}

void main()
{
    uint from = INVOCATION;
    uint count = push.count;
    spot at = find_spot(from);
    uvec4 row = row_places(at, from < count);
    uvec4 column = column_places(at);
    uint vector = at.vector;
    uint own = ((at.sample_index * push.height + at.top) * push.width + at.left) * push.vectors.value + vector;
    bvec4 inside = lessThan(uvec4(vector * 4) + uvec4(0, 1, 2, 3), uvec4(push.channels));
    epilogue rows = epilogue_load(vector, push.vectors.value);
    vec4 offset = HAS_BIAS == 1 ? imageLoad(bias, int(vector)) : vec4(0);

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
}
