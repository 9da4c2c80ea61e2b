#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[row][n] = sum over k of left[row][k] * right[k][n] (+ bias[n]), then the epilogue
 *
 * left: gathered (lib/gather.glsl), so that this is a matrix product, a convolution, the gradient of either to its
 * input, and a transposed convolution. right: as LAYOUT says (matmul.h). y: rows of columns rounded up to 4, the padding
 * zero.
 *
 * A workgroup makes a tile of HEIGHT rows x 32 columns (lib/tile.glsl); the sum over k runs in one order whatever the tile
 * and the number of rows. Behind the last k the left operand reads as 0.
 */
#include "matmul.h"
#include "lib/gather.glsl"
#include "lib/tile.glsl"
#define EPILOGUE_ID 6
#define EPILOGUE_BINDING 4
#include "lib/epilogue.glsl"

layout(constant_id = 2) const uint HAS_BIAS = 0;
layout(constant_id = 3) const uint LAYOUT = RIGHT_PANELS;
layout(constant_id = 4) const uint SCATTER = 0; /* 1: results go to every stride-th position of an image */

layout(constant_id = 5) const uint HEIGHT = 16; /* or 32 */

layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
layout(std430, binding = 3) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    matmul_rows_push push;
};

/* Sums of four rows, from lane `lane` on: 16 products. */
#define ADD_FOUR(s0, s1, s2, s3, a0, a1, a2, a3, lane)                                                                 \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.x, lane, b0)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.y, lane, b1)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.z, lane, b2)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.w, lane, b3)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.x, lane, b4)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.y, lane, b5)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.z, lane, b6)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.w, lane, b7)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.x, lane, b8)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.y, lane, b9)                                                                     \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.z, lane, b10)                                                                    \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.w, lane, b11)                                                                    \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.x, lane, b12)                                                                    \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.y, lane, b13)                                                                    \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.z, lane, b14)                                                                    \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.w, lane, b15)

#define DECLARE(i) vec4 s##i = vec4(0);
#define DECLARE_RIGHT(i) vec4 b##i;
#define LOAD_RIGHT(i) b##i = imageLoad(right, at + i * width);
/* Four products' right operands from the transpose, where a column of them is a vector. */
#define LOAD_COLUMNS(i, x0, x1, x2, x3)                                                                                \
    {                                                                                                                  \
        vec4 c0 = imageLoad(right, at + i);                                                                            \
        vec4 c1 = imageLoad(right, at + i + width);                                                                    \
        vec4 c2 = imageLoad(right, at + i + 2 * width);                                                                \
        vec4 c3 = imageLoad(right, at + i + 3 * width);                                                                \
        x0 = vec4(c0.x, c1.x, c2.x, c3.x);                                                                             \
        x1 = vec4(c0.y, c1.y, c2.y, c3.y);                                                                             \
        x2 = vec4(c0.z, c1.z, c2.z, c3.z);                                                                             \
        x3 = vec4(c0.w, c1.w, c2.w, c3.w);                                                                             \
    }
#define STORE(i)                                                                                                       \
    uint to##i = SCATTER == 1 ? subgroupShuffle(place[i / 8], i % 8) : to + i * columns;                               \
    if (exists && row + i < end_row) {                                                                                 \
        y[to##i + column] = mix(vec4(0), epilogue_apply(s##i + offset, rows), inside);                                 \
    }

/* Vector of the output at which a row goes that was made for some of an image's positions. */
uint find_place(uint row, gather_sizes from, scatter places, uint columns)
{
    uint line = divide(row, from.made_width);
    uint sample_index = divide(line, from.made_height);
    uint x = (row - line * from.made_width.value) * pair_width(places.stride) + pair_width(places.first);
    uint y = (line - sample_index * from.made_height.value) * pair_height(places.stride) + pair_height(places.first);
    sample_index -= places.first_sample;
    return ((sample_index * pair_height(places.size) + y) * pair_width(places.size) + x) * columns;
}

void main()
{
    gather_sizes from = gather_unpack(push.left);
    uint end_row = push.end_row;
    uint columns = (push.columns + 3) / 4;
    uint depth = push.depth;

    uvec2 tile = tile_place(push.order);
    uint row = push.first_row + tile.x * HEIGHT;
    uint lane = gl_SubgroupInvocationID;
    uint column = tile.y * (MATMUL_TILE_COLUMNS / 4) + lane;

    uint panel = LAYOUT == RIGHT_PANELS ? tile.y * MATMUL_TILE_COLUMNS / MATMUL_PANEL * (MATMUL_PANEL / 4) : 0;
    int width = int(LAYOUT == RIGHT_PANELS ? min(MATMUL_PANEL / 4, columns - panel) : columns);
    int right_skipped = int(gl_WorkGroupID.z * push.batch.right);
    int at = int(panel * depth * 4 + column - panel) + right_skipped;
    int skipped = int(gl_WorkGroupID.z * push.batch.left);

    gather_row row0 = gather_find(row + lane, row + lane < end_row, skipped, from);
    gather_row row1 = gather_find(row + 8 + lane, row + 8 + lane < end_row, skipped, from);
    gather_row row2, row3;
    if (HEIGHT == 32) {
        row2 = gather_find(row + 16 + lane, row + 16 + lane < end_row, skipped, from);
        row3 = gather_find(row + 24 + lane, row + 24 + lane < end_row, skipped, from);
    }
    gather_step step = gather_begin(0, from);
    TILE_UPPER(DECLARE)
    TILE_LOWER(DECLARE)
    uint k = 0;
    for (; k < depth;) {
        gather_step step1 = step;
        gather_advance(step1, 1, from);
        gather_step step2 = step1;
        gather_advance(step2, 1, from);
        gather_step step3 = step2;
        gather_advance(step3, 1, from);
        vec4 a00, a01, a02, a03, a10, a11, a12, a13, a20, a21, a22, a23, a30, a31, a32, a33;
        gather_load_four(row0, step, step1, step2, step3, from, a00, a01, a02, a03);
        gather_load_four(row1, step, step1, step2, step3, from, a10, a11, a12, a13);
        if (HEIGHT == 32) {
            gather_load_four(row2, step, step1, step2, step3, from, a20, a21, a22, a23);
            gather_load_four(row3, step, step1, step2, step3, from, a30, a31, a32, a33);
        }
        if (WHOLE == 1) {
            gather_advance(step, 4, from);
        } else {
            gather_advance(step3, 1, from);
            step = step3;
        }
        TILE_UPPER(DECLARE_RIGHT)
        if (LAYOUT == RIGHT_TRANSPOSED) {
            /* Its panels are of k, and their rows are our columns. */
            uint first_k = k / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4);
            width = int(min(MATMUL_PANEL / 4, depth - first_k));
            at = int(first_k * 4 * columns + k - first_k) + int(column * 4) * width + right_skipped;
            LOAD_COLUMNS(0, b0, b1, b2, b3)
            LOAD_COLUMNS(1, b4, b5, b6, b7)
            LOAD_COLUMNS(2, b8, b9, b10, b11)
            LOAD_COLUMNS(3, b12, b13, b14, b15)
        } else {
            TILE_UPPER(LOAD_RIGHT)
        }
        ADD_FOUR(s0, s1, s2, s3, a00, a01, a02, a03, 0)
        ADD_FOUR(s4, s5, s6, s7, a00, a01, a02, a03, 4)
        ADD_FOUR(s8, s9, s10, s11, a10, a11, a12, a13, 0)
        ADD_FOUR(s12, s13, s14, s15, a10, a11, a12, a13, 4)
        if (HEIGHT == 32) {
            ADD_FOUR(s16, s17, s18, s19, a20, a21, a22, a23, 0)
            ADD_FOUR(s20, s21, s22, s23, a20, a21, a22, a23, 4)
            ADD_FOUR(s24, s25, s26, s27, a30, a31, a32, a33, 0)
            ADD_FOUR(s28, s29, s30, s31, a30, a31, a32, a33, 4)
        }
        at += MATMUL_STEP * width;
        k += MATMUL_STEP / 4;
        if (k >= depth) {
            break;
        }
    }

    bool exists = column < columns;
    bvec4 inside = lessThan(uvec4(column * 4) + uvec4(0, 1, 2, 3), uvec4(push.columns));
    epilogue rows = epilogue_load(column, columns);
    vec4 offset = HAS_BIAS == 1 ? imageLoad(bias, int(column)) : vec4(0);
    uint to = (row - push.first_row) * columns + gl_WorkGroupID.z * push.batch.result;
    uvec4 place = uvec4(0);
    if (SCATTER == 1) {
        place.x = find_place(row + lane, from, push.places, columns);
        place.y = find_place(row + 8 + lane, from, push.places, columns);
        if (HEIGHT == 32) {
            place.z = find_place(row + 16 + lane, from, push.places, columns);
            place.w = find_place(row + 24 + lane, from, push.places, columns);
        }
    }
    TILE_UPPER(STORE)
    if (HEIGHT == 32) {
        TILE_LOWER(STORE)
    }
}
