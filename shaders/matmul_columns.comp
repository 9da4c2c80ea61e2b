#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * The gradient of weights: y[k][n] = sum over rows of left[row][k] * right[row][n], in panels (matmul.h); left is
 * gathered (lib/gather.glsl), right are rows of columns rounded up to 4.
 *
 * The rows are cut into shards. Each is summed in the order of its rows; up to eight shards are added as the tree of
 * base/shards.h: three loops of two turns, one a level, add neighbours, then pairs of them, then fours. A level that
 * has seen nothing yet holds -0, which added to anything changes no bit of it.
 *
 * A workgroup makes a tile of HEIGHT k x 32 n (lib/tile.glsl), 16 rows a turn of the inner loop. Short shards need no
 * such loop, and are taken several at once: the loops' variables, masked at the end of every turn, weigh much there.
 */
#include "matmul.h"
#include "lib/gather.glsl"
#include "lib/tile.glsl"

layout(constant_id = 2) const uint PANELS = 1; /* 0: y lies row by row */
/* 1: left lies in panels of HEIGHT columns, right of 32 (matmul_pack.comp) */
layout(constant_id = 3) const uint PACKED = 0;
layout(constant_id = 4) const uint HEIGHT = 16; /* or 32 */
/* 0: a shard takes several turns of 16 rows; 1: one. 2, 4: a turn takes as many shards, of at most 8 or 4 rows. */
layout(constant_id = 5) const uint TURN_SHARDS = 0;

/* Rows of a turn that lie side by side. */
const uint SIDE_BY_SIDE = TURN_SHARDS == 4 ? 4 : TURN_SHARDS == 2 ? 8 : 16;

layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
layout(std430, binding = 2) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    matmul_columns_push push;
};

/* To the sums of the four k in a vector of the left operand, products of four rows, from lane `lane` of `vector` on. */
#define ADD_ROWS(s0, s1, s2, s3, vector, lane, b0, b1, b2, b3)                                                         \
    TILE_ADD_COMPONENTS(s0, s1, s2, s3, vector, lane, b0)                                                              \
    TILE_ADD_COMPONENTS(s0, s1, s2, s3, vector, lane + 1, b1)                                                          \
    TILE_ADD_COMPONENTS(s0, s1, s2, s3, vector, lane + 2, b2)                                                          \
    TILE_ADD_COMPONENTS(s0, s1, s2, s3, vector, lane + 3, b3)

/* Sums that go on, or begin where the next shard does, whose sum is then added. */
#define BEGIN(n0, n1, n2, n3, s0, s1, s2, s3, shards)                                                                  \
    vec4 n0 = TURN_SHARDS >= shards ? vec4(0) : s0;                                                                    \
    vec4 n1 = TURN_SHARDS >= shards ? vec4(0) : s1;                                                                    \
    vec4 n2 = TURN_SHARDS >= shards ? vec4(0) : s2;                                                                    \
    vec4 n3 = TURN_SHARDS >= shards ? vec4(0) : s3;
#define END(n0, n1, n2, n3, s0, s1, s2, s3, shards)                                                                    \
    s0 = TURN_SHARDS >= shards ? s0 + n0 : n0;                                                                         \
    s1 = TURN_SHARDS >= shards ? s1 + n1 : n1;                                                                         \
    s2 = TURN_SHARDS >= shards ? s2 + n2 : n2;                                                                         \
    s3 = TURN_SHARDS >= shards ? s3 + n3 : n3;

/* Sums that a turn completes are added on while they lie in registers. */
#define ADD_WHERE(completes, add, i, j, k, l)                                                                          \
    if (completes) {                                                                                                   \
        add(i) add(j) add(k) add(l)                                                                                    \
    }

/* Sums of the four k in a vector, `i` .. `l`: 16 rows, 8 in the lanes of `low`, 8 in those of `high`. */
#define ADD_FOUR(i, j, k, l, low, high)                                                                                \
    {                                                                                                                  \
        ADD_ROWS(s##i, s##j, s##k, s##l, low, 0, b0, b1, b2, b3)                                                       \
        BEGIN(n0, n1, n2, n3, s##i, s##j, s##k, s##l, 4)                                                               \
        ADD_ROWS(n0, n1, n2, n3, low, 4, b4, b5, b6, b7)                                                               \
        END(n0, n1, n2, n3, s##i, s##j, s##k, s##l, 4)                                                                 \
        BEGIN(h0, h1, h2, h3, s##i, s##j, s##k, s##l, 2)                                                               \
        ADD_ROWS(h0, h1, h2, h3, high, 0, b8, b9, b10, b11)                                                            \
        BEGIN(m0, m1, m2, m3, h0, h1, h2, h3, 4)                                                                       \
        ADD_ROWS(m0, m1, m2, m3, high, 4, b12, b13, b14, b15)                                                          \
        END(m0, m1, m2, m3, h0, h1, h2, h3, 4)                                                                         \
        END(h0, h1, h2, h3, s##i, s##j, s##k, s##l, 2)                                                                 \
        ADD_WHERE(TURN_SHARDS >= 1, ADD_SUMS, i, j, k, l)                                                              \
        ADD_WHERE(TURN_SHARDS >= 2, ADD_ONES, i, j, k, l)                                                              \
        ADD_WHERE(TURN_SHARDS == 4, ADD_PAIRS, i, j, k, l)                                                             \
    }

#define DECLARE_FOURS(i) vec4 fours##i = vec4(-0.0);
#define DECLARE_PAIRS(i) vec4 pairs##i = vec4(-0.0);
#define DECLARE_ONES(i) vec4 ones##i = vec4(-0.0);
#define DECLARE_SUMS(i) vec4 s##i = vec4(0);
#define ADD_SUMS(i) ones##i += s##i;
#define ADD_ONES(i) pairs##i += ones##i;
#define ADD_PAIRS(i) fours##i += pairs##i;
#define LOAD_RIGHT(i)                                                                                                  \
    vec4 b##i = imageLoad(right, at + int(i % SIDE_BY_SIDE * right_step + i / SIDE_BY_SIDE * shard_step));
#define STORE(i)                                                                                                       \
    if (exists && k + i / 4 < depth) {                                                                                 \
        y[to + i * width] = fours##i;                                                                                  \
    }

void main()
{
    gather_sizes from = gather_unpack(push.left);
    uint shards = push.shards;
    uint shard_rows = push.shard_rows;
    uint columns = push.columns;
    uint depth = gather_depth(from);
    uint lane = gl_SubgroupInvocationID;

    uvec2 tile = tile_place(push.order);
    uint k = (push.first_depth_tile + tile.x) * (HEIGHT / 4);
    uint column_tile = push.first_column_tile + tile.y;
    uint column = column_tile * (MATMUL_TILE_COLUMNS / 4) + lane;

    gather_step step0 = gather_begin(PACKED == 1 ? 0 : k, from);
    gather_step step1 = step0;
    gather_advance(step1, 1, from);
    gather_step step2 = step1;
    gather_advance(step2, 1, from);
    gather_step step3 = step2;
    gather_advance(step3, 1, from);
    gather_step step4, step5, step6, step7;
    if (HEIGHT == 32) {
        step4 = step3;
        gather_advance(step4, 1, from);
        step5 = step4;
        gather_advance(step5, 1, from);
        step6 = step5;
        gather_advance(step6, 1, from);
        step7 = step6;
        gather_advance(step7, 1, from);
    }

    int skipped = int((PACKED == 1 ? push.first_depth_tile + tile.x : gl_WorkGroupID.z) * push.batch.left);
    uint right_number = PACKED == 1 ? column_tile : gl_WorkGroupID.z;
    int right_skipped = int(right_number * push.batch.right + (PACKED == 1 ? lane : column));
    uint right_step = PACKED == 1 ? MATMUL_TILE_COLUMNS / 4 : columns;
    uint shard_step = shard_rows * right_step;
    /* Rows of a turn in which a lane finds its left operands, counted from the turn's first: shard, and row of it. */
    uint lane_shard = TURN_SHARDS == 4 ? lane / 4 : 0;
    uint lane_row = TURN_SHARDS == 4 ? lane % 4 : lane;
    uint low = lane_shard * shard_rows + lane_row;
    uint high = TURN_SHARDS >= 2 ? low + TURN_SHARDS / 2 * shard_rows : low + 8;
    bool low_exists = lane_row < shard_rows;
    bool high_exists = TURN_SHARDS >= 2 ? low_exists : lane + 8 < shard_rows;
    uint row = push.first_row;
    uint shard = 0;
    TILE_UPPER(DECLARE_FOURS)
    TILE_LOWER(DECLARE_FOURS)
    for (; shard < shards;) {
        TILE_UPPER(DECLARE_PAIRS)
        TILE_LOWER(DECLARE_PAIRS)
        for (; TURN_SHARDS == 4 || shard < shards;) {
            TILE_UPPER(DECLARE_ONES)
            TILE_LOWER(DECLARE_ONES)
            for (; TURN_SHARDS >= 2 || shard < shards;) {
                TILE_UPPER(DECLARE_SUMS)
                TILE_LOWER(DECLARE_SUMS)
                uint end = row + shard_rows;
                for (; TURN_SHARDS > 0 || row < end;) {
                    gather_row row0 =
                        gather_find(row + low, TURN_SHARDS == 0 ? row + low < end : low_exists, skipped, from);
                    gather_row row1 =
                        gather_find(row + high, TURN_SHARDS == 0 ? row + high < end : high_exists, skipped, from);
                    vec4 a00, a01, a02, a03, a10, a11, a12, a13;
                    gather_load_four(row0, step0, step1, step2, step3, from, a00, a01, a02, a03);
                    gather_load_four(row1, step0, step1, step2, step3, from, a10, a11, a12, a13);
                    vec4 a04, a05, a06, a07, a14, a15, a16, a17;
                    if (HEIGHT == 32) {
                        gather_load_four(row0, step4, step5, step6, step7, from, a04, a05, a06, a07);
                        gather_load_four(row1, step4, step5, step6, step7, from, a14, a15, a16, a17);
                    }
                    int at = int(row * right_step) + right_skipped;
                    TILE_UPPER(LOAD_RIGHT)
                    ADD_FOUR(0, 1, 2, 3, a00, a10)
                    ADD_FOUR(4, 5, 6, 7, a01, a11)
                    ADD_FOUR(8, 9, 10, 11, a02, a12)
                    ADD_FOUR(12, 13, 14, 15, a03, a13)
                    if (HEIGHT == 32) {
                        ADD_FOUR(16, 17, 18, 19, a04, a14)
                        ADD_FOUR(20, 21, 22, 23, a05, a15)
                        ADD_FOUR(24, 25, 26, 27, a06, a16)
                        ADD_FOUR(28, 29, 30, 31, a07, a17)
                    }
                    row += MATMUL_STEP;
                    if (TURN_SHARDS > 0 || row >= end) {
                        break;
                    }
                }
                row = TURN_SHARDS >= 2 ? end + (TURN_SHARDS - 1) * shard_rows : end;
                if (TURN_SHARDS == 0) {
                    TILE_UPPER(ADD_SUMS)
                }
                if (TURN_SHARDS == 0 && HEIGHT == 32) {
                    TILE_LOWER(ADD_SUMS)
                }
                shard += TURN_SHARDS >= 2 ? TURN_SHARDS : 1;
                if (TURN_SHARDS >= 2 || shard >= shards || shard % 2 == 0) {
                    break;
                }
            }
            if (TURN_SHARDS < 2) {
                TILE_UPPER(ADD_ONES)
            }
            if (TURN_SHARDS < 2 && HEIGHT == 32) {
                TILE_LOWER(ADD_ONES)
            }
            if (TURN_SHARDS == 4 || shard >= shards || shard % 4 == 0) {
                break;
            }
        }
        if (TURN_SHARDS < 4) {
            TILE_UPPER(ADD_PAIRS)
        }
        if (TURN_SHARDS < 4 && HEIGHT == 32) {
            TILE_LOWER(ADD_PAIRS)
        }
        if (shard >= shards) {
            break;
        }
    }

    uint panel = PANELS == 1 ? column_tile * MATMUL_TILE_COLUMNS / MATMUL_PANEL * (MATMUL_PANEL / 4) : 0;
    uint width = PANELS == 1 ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    bool exists = column < columns && tile.x < push.order.row_tiles;
    uint to = (panel * depth + k * width) * 4 + column - panel - push.first_vector +
              gl_WorkGroupID.z * push.batch.result;
    TILE_UPPER(STORE)
    if (HEIGHT == 32) {
        TILE_LOWER(STORE)
    }
}
