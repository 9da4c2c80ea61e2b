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
 * A workgroup makes a tile (lib/tile.glsl) whose rows are k, 16 rows of the operands a turn of the inner loop. Short
 * shards need no such loop, and are taken several at once: the loops' variables, masked at the end of every turn, weigh
 * much there.
 *
 * SUMS: the gradient of a bias, sums[n] = sum over rows of right[row][n], in the same order. It is what products with a
 * column of ones come to, which stands behind the left operand's last: there must be room for it in the last tile of k.
 */
#include "matmul.h"
#include "lib/gather.glsl"
layout(constant_id = 4) const uint HEIGHT = 16; /* or 32 */
layout(constant_id = 6) const uint COLUMN_LANES = 8;
#include "lib/tile.glsl"

layout(constant_id = 2) const uint PANELS = 1; /* 0: y lies row by row */
/* 1: both operands lie in panels as wide as tiles (matmul_pack.comp) */
layout(constant_id = 3) const uint PACKED = 0;
/* 0: a shard takes several turns of 16 rows; 1: one. 2, 4: a turn takes as many shards, of at most 8 or 4 rows. */
layout(constant_id = 5) const uint TURN_SHARDS = 0;

/* 1 + the vector with the column of ones, among the k of a group of lanes that has it; 0: without */
layout(constant_id = 7) const uint SUMS = 0;
/* 1: there is one shard, of several turns; then there is no tree, whose levels would weigh as much as some turns. */
layout(constant_id = 8) const uint ALONE = 0;

/* Rows of a turn that lie side by side. */
const uint SIDE_BY_SIDE = TURN_SHARDS == 4 ? 4 : TURN_SHARDS == 2 ? 8 : 16;

layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
OUTPUT(2, y)
OUTPUT(3, sums) /* not written without SUMS */
PUSH(matmul_columns_push)

/*
 * How a group's lanes hold the left operand's 16 rows of a turn. Windows of an image: each lane a row's vectors of k,
 * row for row. A matrix: neighbours a row's vectors, one each (two where a group has fewer lanes), for these lie side by
 * side in memory, and are loaded as they lie. Rows that all lanes hold are a set.
 */
const uint VECTORS = HEIGHT / 4;
const uint WINDOW_SETS = MATMUL_STEP / COLUMN_LANES;
const uint ROW_LANES = VECTORS < COLUMN_LANES ? VECTORS : COLUMN_LANES;
const uint MATRIX_SET_ROWS = COLUMN_LANES / ROW_LANES;
const uint MATRIX_SETS = MATMUL_STEP / MATRIX_SET_ROWS;

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

/*
 * What a turn has summed goes on, or is added, while it lies in registers, to the level of the tree that it completes.
 */
#define KEEP(s, ones, pairs, fours, sum)                                                                               \
    if (TURN_SHARDS == 0) {                                                                                            \
        s = sum;                                                                                                       \
    } else if (TURN_SHARDS == 1) {                                                                                     \
        ones += sum;                                                                                                   \
    } else if (TURN_SHARDS == 2) {                                                                                     \
        pairs += sum;                                                                                                  \
    } else {                                                                                                           \
        fours += sum;                                                                                                  \
    }

/*
 * To the sums of the four k in vector v, products of the `four`-th four rows: of windows, in set 0, `half` or `four` as
 * groups have 16, 8 or 4 lanes, in lanes l0 .. l3.
 */
#define ADD_WINDOW_ROWS(s0, s1, s2, s3, v, four, half, l0, l1, l2, l3, b0, b1, b2, b3)                                 \
    {                                                                                                                  \
        vec4 x;                                                                                                        \
        if (COLUMN_LANES == 16) {                                                                                      \
            x = a0##v;                                                                                                 \
        } else if (COLUMN_LANES == 8) {                                                                                \
            x = a##half##v;                                                                                            \
        } else {                                                                                                       \
            x = a##four##v;                                                                                            \
        }                                                                                                              \
        TILE_ADD_COMPONENTS(s0, s1, s2, s3, x, l0, b0)                                                                 \
        TILE_ADD_COMPONENTS(s0, s1, s2, s3, x, l1, b1)                                                                 \
        TILE_ADD_COMPONENTS(s0, s1, s2, s3, x, l2, b2)                                                                 \
        TILE_ADD_COMPONENTS(s0, s1, s2, s3, x, l3, b3)                                                                 \
    }
/* Of a matrix: in one set, two or four, of which a lane has the u-th vector; lanes k0 .. k3, or k0 and k2 in turns. */
#define ADD_MATRIX_ROWS(s0, s1, s2, s3, u, four, half0, half1, r0, r1, r2, r3, k0, k1, k2, k3, b0, b1, b2, b3)         \
    {                                                                                                                  \
        vec4 x0, x1, x2, x3;                                                                                           \
        if (MATRIX_SET_ROWS == 4) {                                                                                    \
            x0 = m##four##0, x1 = m##four##0, x2 = m##four##0, x3 = m##four##0;                                        \
        } else if (MATRIX_SET_ROWS == 2) {                                                                             \
            x0 = m##half0##0, x1 = m##half0##0, x2 = m##half1##0, x3 = m##half1##0;                                    \
        } else if (VECTORS == ROW_LANES) {                                                                             \
            x0 = m##r0##0, x1 = m##r1##0, x2 = m##r2##0, x3 = m##r3##0;                                                \
        } else {                                                                                                       \
            x0 = m##r0##u, x1 = m##r1##u, x2 = m##r2##u, x3 = m##r3##u;                                                \
        }                                                                                                              \
        TILE_ADD_COMPONENTS(s0, s1, s2, s3, x0, k0, b0)                                                                \
        if (HEIGHT == 32) {                                                                                            \
            TILE_ADD_COMPONENTS(s0, s1, s2, s3, x1, k2, b1)                                                            \
            TILE_ADD_COMPONENTS(s0, s1, s2, s3, x2, k0, b2)                                                            \
            TILE_ADD_COMPONENTS(s0, s1, s2, s3, x3, k2, b3)                                                            \
        } else {                                                                                                       \
            TILE_ADD_COMPONENTS(s0, s1, s2, s3, x1, k1, b1)                                                            \
            TILE_ADD_COMPONENTS(s0, s1, s2, s3, x2, k2, b2)                                                            \
            TILE_ADD_COMPONENTS(s0, s1, s2, s3, x3, k3, b3)                                                            \
        }                                                                                                              \
    }
/* Either. */
#define ADD_ROWS(s0, s1, s2, s3, v, u, four, half, half0, half1, r0, r1, r2, r3, k0, k1, k2, k3, b0, b1, b2, b3)       \
    if (GATHER == GATHER_ROWS) {                                                                                       \
        ADD_MATRIX_ROWS(s0, s1, s2, s3, u, four, half0, half1, r0, r1, r2, r3, k0, k1, k2, k3, b0, b1, b2, b3)         \
    } else {                                                                                                           \
        ADD_WINDOW_ROWS(s0, s1, s2, s3, v, four, half, lane##r0, lane##r1, lane##r2, lane##r3, b0, b1, b2, b3)         \
    }
/* Sums of the four k of the v-th vector, `i` .. `l`: 16 rows. u: which of a lane's two vectors, where it has two. */
#define ADD_FOUR(i, j, k, l, v, u, k0, k1, k2, k3)                                                                     \
    {                                                                                                                  \
        BEGIN(t0, t1, t2, t3, s##i, s##j, s##k, s##l, 1)                                                               \
        ADD_ROWS(t0, t1, t2, t3, v, u, 0, 0, 0, 1, 0, 1, 2, 3, k0, k1, k2, k3, b0, b1, b2, b3)                         \
        BEGIN(n0, n1, n2, n3, t0, t1, t2, t3, 4)                                                                       \
        ADD_ROWS(n0, n1, n2, n3, v, u, 1, 0, 2, 3, 4, 5, 6, 7, k0, k1, k2, k3, b4, b5, b6, b7)                         \
        END(n0, n1, n2, n3, t0, t1, t2, t3, 4)                                                                         \
        BEGIN(h0, h1, h2, h3, t0, t1, t2, t3, 2)                                                                       \
        ADD_ROWS(h0, h1, h2, h3, v, u, 2, 1, 4, 5, 8, 9, 10, 11, k0, k1, k2, k3, b8, b9, b10, b11)                     \
        BEGIN(d0, d1, d2, d3, h0, h1, h2, h3, 4)                                                                       \
        ADD_ROWS(d0, d1, d2, d3, v, u, 3, 1, 6, 7, 12, 13, 14, 15, k0, k1, k2, k3, b12, b13, b14, b15)                 \
        END(d0, d1, d2, d3, h0, h1, h2, h3, 4)                                                                         \
        END(h0, h1, h2, h3, t0, t1, t2, t3, 2)                                                                         \
        KEEP(s##i, ones##i, pairs##i, fours##i, t0)                                                                    \
        KEEP(s##j, ones##j, pairs##j, fours##j, t1)                                                                    \
        KEEP(s##k, ones##k, pairs##k, fours##k, t2)                                                                    \
        KEEP(s##l, ones##l, pairs##l, fours##l, t3)                                                                    \
    }

/* Which row of all is row `turn_row` of a turn, counted from the turn's first; whether it is there. */
#define FIND_ROW(turn_row)                                                                                             \
    uint shard_row = (turn_row) % SIDE_BY_SIDE;                                                                        \
    uint found_row = row + (turn_row) / SIDE_BY_SIDE * shard_rows + shard_row;                                         \
    bool exists = TURN_SHARDS == 0 ? found_row < end : shard_row < shard_rows;
/* The column of ones: the first component of the vector behind the last. */
#define SET_ONE(set, v)                                                                                                \
    if (SUMS == v + 1) {                                                                                               \
        a##set##v.x = exists && has_ones ? 1.0 : a##set##v.x;                                                          \
    }
#define LOAD_WINDOW(set)                                                                                               \
    vec4 a##set##0, a##set##1, a##set##2, a##set##3, a##set##4, a##set##5, a##set##6, a##set##7;                       \
    if (GATHER != GATHER_ROWS && WINDOW_SETS > set) {                                                                  \
        FIND_ROW(set * COLUMN_LANES + lane)                                                                            \
        gather_row found = gather_find(found_row, exists, skipped, from);                                              \
        gather_load_four(found, step0, step1, step2, step3, from, a##set##0, a##set##1, a##set##2, a##set##3);         \
        if (HEIGHT == 32) {                                                                                            \
            gather_load_four(found, step4, step5, step6, step7, from, a##set##4, a##set##5, a##set##6, a##set##7);     \
        }                                                                                                              \
        SET_ONE(set, 0) SET_ONE(set, 1) SET_ONE(set, 2) SET_ONE(set, 3)                                                \
        SET_ONE(set, 4) SET_ONE(set, 5) SET_ONE(set, 6) SET_ONE(set, 7)                                                \
    }
#define EACH_WINDOW_SET(X) X(0) X(1) X(2) X(3)
#define LOAD_VECTOR(set, u)                                                                                            \
    m##set##u = gather_load_row(found_row, exists, skipped, step##u.channel, from.channels);                           \
    if (SUMS > 0) {                                                                                                    \
        m##set##u.x = exists && k + lane % ROW_LANES + u * ROW_LANES == depth ? 1.0 : m##set##u.x;                     \
    }
#define LOAD_MATRIX(set)                                                                                               \
    vec4 m##set##0, m##set##1;                                                                                         \
    if (GATHER == GATHER_ROWS && MATRIX_SETS > set) {                                                                  \
        FIND_ROW(set * MATRIX_SET_ROWS + lane / ROW_LANES)                                                             \
        LOAD_VECTOR(set, 0)                                                                                            \
        if (VECTORS > ROW_LANES) {                                                                                     \
            LOAD_VECTOR(set, 1)                                                                                        \
        }                                                                                                              \
    }
#define DECLARE_FOURS(i) vec4 fours##i = vec4(-0.0);
#define DECLARE_PAIRS(i) vec4 pairs##i = vec4(-0.0);
#define DECLARE_ONES(i) vec4 ones##i = vec4(-0.0);
#define DECLARE_SUMS(i) vec4 s##i = vec4(0);
#define TAKE_SUMS(i) fours##i = s##i;
#define ADD_SUMS(i) ones##i += s##i;
#define ADD_ONES(i) pairs##i += ones##i;
#define ADD_PAIRS(i) fours##i += pairs##i;
#define LOAD_RIGHT(i)                                                                                                  \
    vec4 b##i = imageLoad(right, at + int(i % SIDE_BY_SIDE * right_step + i / SIDE_BY_SIDE * shard_step));
/* A row of the result, which is a k. */
#define LINE(i) mix(TILE_NOWHERE, to + i * width, first_k + i < depth * 4)
#define STORE_ROW(i) TILE_STORE(y, fours##i, LINE, i)
/* The row of the result that the ones made. */
#define SUMS_LINE(i) mix(TILE_NOWHERE, 0, has_ones)
#define STORE_SUM(i, v)                                                                                                \
    if (SUMS == v + 1) {                                                                                               \
        TILE_STORE(sums, fours##i, SUMS_LINE, i)                                                                       \
    }

void main()
{
    TILE_LANES
    gather_sizes from = gather_unpack(push.left);
    uint shards = push.shards;
    uint shard_rows = push.shard_rows;
    uint columns = push.columns;
    uint depth = gather_depth(from);

    uvec2 tile = tile_place(push.order);
    uint k = (PACKED == 1 ? 0 : (push.first_depth_tile + tile.x) * (HEIGHT * TILE_GROUPS / 4)) +
             group_lane / COLUMN_LANES * (HEIGHT / 4);
    uint column_tile = push.first_column_tile + tile.y;
    bool has_ones = SUMS > 0 && k + SUMS - 1 == depth;

    gather_step step0, step1, step2, step3, step4, step5, step6, step7;
    if (GATHER == GATHER_ROWS) {
        step0 = gather_begin(k + lane % ROW_LANES, from);
        step1 = gather_begin(k + lane % ROW_LANES + ROW_LANES, from);
    } else {
        step0 = gather_begin(k, from);
        step1 = step0;
        gather_advance(step1, 1, from);
        step2 = step1;
        gather_advance(step2, 1, from);
        step3 = step2;
        gather_advance(step3, 1, from);
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
    }

    int skipped = int((PACKED == 1 ? push.first_depth_tile + tile.x : gl_WorkGroupID.z) * push.batch.left);
    uint right_number = PACKED == 1 ? column_tile : gl_WorkGroupID.z;
    int right_skipped =
        int(right_number * push.batch.right + (PACKED == 1 ? 0 : column_tile * COLUMN_LANES) + lane);
    uint right_step = PACKED == 1 ? COLUMN_LANES : columns;
    uint shard_step = shard_rows * right_step;
    uint row = push.first_row;
    uint shard = 0;
    TILE_UPPER(DECLARE_FOURS)
    TILE_LOWER(DECLARE_FOURS)
    for (; ALONE == 1 || shard < shards;) {
        TILE_UPPER(DECLARE_PAIRS)
        TILE_LOWER(DECLARE_PAIRS)
        for (; TURN_SHARDS == 4 || ALONE == 1 || shard < shards;) {
            TILE_UPPER(DECLARE_ONES)
            TILE_LOWER(DECLARE_ONES)
            for (; TURN_SHARDS >= 2 || ALONE == 1 || shard < shards;) {
                TILE_UPPER(DECLARE_SUMS)
                TILE_LOWER(DECLARE_SUMS)
                uint end = row + shard_rows;
                for (; TURN_SHARDS > 0 || row < end;) {
                    EACH_WINDOW_SET(LOAD_WINDOW)
                    TILE_UPPER(LOAD_MATRIX)
                    int at = int(row * right_step) + right_skipped;
                    TILE_UPPER(LOAD_RIGHT)
                    TILE_APART(0, ADD_FOUR(0, 1, 2, 3, 0, 0, lane0, lane4, lane8, lane12))
                    TILE_APART(1, ADD_FOUR(4, 5, 6, 7, 1, 0, lane1, lane5, lane9, lane13))
                    TILE_APART(2, ADD_FOUR(8, 9, 10, 11, 2, 0, lane2, lane6, lane10, lane14))
                    TILE_APART(3, ADD_FOUR(12, 13, 14, 15, 3, 0, lane3, lane7, lane11, lane15))
                    if (HEIGHT == 32) {
                        TILE_APART(4, ADD_FOUR(16, 17, 18, 19, 4, 1, lane4, lane4, lane12, lane4))
                        TILE_APART(5, ADD_FOUR(20, 21, 22, 23, 5, 1, lane5, lane5, lane13, lane5))
                        TILE_APART(6, ADD_FOUR(24, 25, 26, 27, 6, 1, lane6, lane6, lane14, lane6))
                        TILE_APART(7, ADD_FOUR(28, 29, 30, 31, 7, 1, lane7, lane7, lane15, lane7))
                    }
                    row += MATMUL_STEP;
                    if (TURN_SHARDS > 0 || row >= end) {
                        break;
                    }
                }
                row = TURN_SHARDS >= 2 ? end + (TURN_SHARDS - 1) * shard_rows : end;
                if (ALONE == 1) {
                    TILE_UPPER(TAKE_SUMS)
                } else if (TURN_SHARDS == 0) {
                    TILE_UPPER(ADD_SUMS)
                }
                if (ALONE == 1 && HEIGHT == 32) {
                    TILE_LOWER(TAKE_SUMS)
                } else if (TURN_SHARDS == 0 && HEIGHT == 32) {
                    TILE_LOWER(ADD_SUMS)
                }
                shard += TURN_SHARDS >= 2 ? TURN_SHARDS : 1;
                if (TURN_SHARDS >= 2 || ALONE == 1 || shard >= shards || shard % 2 == 0) {
                    break;
                }
            }
            if (TURN_SHARDS < 2 && ALONE == 0) {
                TILE_UPPER(ADD_ONES)
            }
            if (TURN_SHARDS < 2 && ALONE == 0 && HEIGHT == 32) {
                TILE_LOWER(ADD_ONES)
            }
            if (TURN_SHARDS == 4 || ALONE == 1 || shard >= shards || shard % 4 == 0) {
                break;
            }
        }
        if (TURN_SHARDS < 4 && ALONE == 0) {
            TILE_UPPER(ADD_PAIRS)
        }
        if (TURN_SHARDS < 4 && ALONE == 0 && HEIGHT == 32) {
            TILE_LOWER(ADD_PAIRS)
        }
        if (ALONE == 1 || shard >= shards) {
            break;
        }
    }

    uint first_k = ((push.first_depth_tile + tile.x) * TILE_GROUPS + group_lane / COLUMN_LANES) * HEIGHT;
    uint first_column = (push.first_column_tile + tile.y) * COLUMN_LANES;
    uint panel = PANELS == 1 ? first_column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = PANELS == 1 ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    uint to = panel * depth * 4 + first_k * width - panel - push.first_vector +
              gl_WorkGroupID.z * push.batch.result;
    TILE_COLUMN
    TILE_UPPER(STORE_ROW)
    if (HEIGHT == 32) {
        TILE_LOWER(STORE_ROW)
    }
    STORE_SUM(0, 0) STORE_SUM(4, 1) STORE_SUM(8, 2) STORE_SUM(12, 3)
    STORE_SUM(16, 4) STORE_SUM(20, 5) STORE_SUM(24, 6) STORE_SUM(28, 7)
}
