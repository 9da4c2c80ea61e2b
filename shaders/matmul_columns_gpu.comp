#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[k][n] = sum over rows of left[row][k] * right[row][n], as matmul_columns.comp, for GPUs (lib/tile_gpu.glsl,
 * lib/matmul_columns_gpu.glsl). A shard is summed in the order of its rows. The tree of shards wants a tile of 4 x 4
 * sums.
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_gpu.glsl"
#include "lib/matmul_columns_gpu.glsl"

shared vec4 left_tile[STEP * ROW_VECTORS];     /* [row][vector of k] */
shared vec4 right_tile[STEP * COLUMN_VECTORS]; /* [row][vector of columns] */

/* The products of one row of the batch. */
#define ADD_ROW(r)                                                                                                     \
    {                                                                                                                  \
        vec4 a0 = left_tile[r * ROW_VECTORS + thread_row];                                                             \
        vec4 a1 = SUM_ROWS > 4 ? left_tile[r * ROW_VECTORS + thread_row + THREAD_ROWS] : vec4(0);                      \
        vec4 b0 = right_tile[r * COLUMN_VECTORS + thread_column];                                                      \
        vec4 b1 = SUM_VECTORS > 1 ? right_tile[r * COLUMN_VECTORS + thread_column + THREAD_COLUMNS] : vec4(0);         \
        SUM_ADD(0, a0.x)                                                                                               \
        SUM_ADD(1, a0.y)                                                                                               \
        SUM_ADD(2, a0.z)                                                                                               \
        SUM_ADD(3, a0.w)                                                                                               \
        SUM_ADD(4, a1.x)                                                                                               \
        SUM_ADD(5, a1.y)                                                                                               \
        SUM_ADD(6, a1.z)                                                                                               \
        SUM_ADD(7, a1.w)                                                                                               \
    }

#define DECLARE_LEVELS(i)                                                                                              \
    vec4 ones##i = vec4(-0.0);                                                                                         \
    vec4 pairs##i = vec4(-0.0);                                                                                        \
    vec4 fours##i = vec4(-0.0);
#define ADD_SUMS(i) ones##i += s##i##0;
#define ADD_ONES(i)                                                                                                    \
    pairs##i += ones##i;                                                                                               \
    ones##i = vec4(-0.0);
#define ADD_PAIRS(i)                                                                                                   \
    fours##i += pairs##i;                                                                                              \
    pairs##i = vec4(-0.0);
#define TAKE_FOURS(i) s##i##0 = fours##i;

#define STORE(i)                                                                                                       \
    if (i < SUM_ROWS) {                                                                                                \
        store(vector + i / 4 * THREAD_ROWS, i % 4, column, depth, s##i##0);                                            \
        if (SUM_VECTORS > 1) {                                                                                         \
            store(vector + i / 4 * THREAD_ROWS, i % 4, column + THREAD_COLUMNS, depth, s##i##1);                       \
        }                                                                                                              \
    }

void main()
{
    gather_sizes from = gather_unpack(push.left);
    uint depth = gather_depth(from);
    uint columns = push.columns;
    uint id = gl_LocalInvocationID.x;
    uint product = SPLIT == 1 ? 0 : gl_WorkGroupID.z;

    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint tile = divide(group, push.depth_tiles);
    uint first_vector = (push.first_depth_tile + group - tile * push.depth_tiles.value) * ROW_VECTORS;
    uint first_column = (push.first_column_tile + tile) * COLUMN_VECTORS;
    if (first_column >= columns) {
        return; /* all of the workgroup */
    }

    /* What this invocation brings: of the left operand vector `left_vector` of its rows, of the right one a column. */
    uint left_vector = first_vector + id % ROW_VECTORS;
    uint left_row = id / ROW_VECTORS;
    gather_step step = gather_begin(left_vector, from);
    int left_skipped = int(product * push.batch.left);
    uint right_column = first_column + id % COLUMN_VECTORS;
    uint right_row = id / COLUMN_VECTORS;
    bool brings_right = id < STEP * COLUMN_VECTORS;
    uint right_skipped = product * push.batch.right;

    uint thread_row = id / THREAD_COLUMNS;
    uint thread_column = id % THREAD_COLUMNS;
    uint first_shard = SPLIT == 1 ? gl_WorkGroupID.z / push.parts : 0;
    uint end_shard = SPLIT == 1 ? first_shard + 1 : push.shards;
    uint first_part = SPLIT == 1 ? gl_WorkGroupID.z % push.parts : 0;
    SUM_EIGHT(SUM_DECLARE)
    SUM_FOUR(DECLARE_LEVELS)
    for (uint shard = first_shard; shard < end_shard;) {
        uint shard_row = push.first_row + shard * push.shard_rows;
        uint begin = shard_row + first_part * push.part_rows;
        uint end = min(begin + push.part_rows, shard_row + push.shard_rows);
        SUM_EIGHT(SUM_CLEAR)
        for (uint row = begin; row < end; row += STEP) {
            bool left_exists = row + left_row < end && left_vector < depth;
            bool right_exists = row + right_row < end && right_column < columns && brings_right;
            gather_row brought = gather_find(row + left_row, left_exists, left_skipped, from);
            vec4 left_brought = left_exists ? load_left(brought, step, from) : vec4(0);
            if (SUMS == 1 && left_vector == depth) {
                left_brought.x = 1.0; /* also for rows that do not exist, where the right operand is 0 */
            }
            uint right_texel = (row + right_row) * columns + right_column + right_skipped;
            vec4 right_brought = right_exists ? imageLoad(right, int(right_texel)) : vec4(0);
            barrier(); /* the turn before has been read */
            left_tile[id] = left_brought;
            if (brings_right) {
                right_tile[id] = right_brought;
            }
            barrier();
            ADD_ROW(0)
            ADD_ROW(1)
            ADD_ROW(2)
            ADD_ROW(3)
            ADD_ROW(4)
            ADD_ROW(5)
            ADD_ROW(6)
            ADD_ROW(7)
            if (STEP > 8) {
                ADD_ROW(8)
                ADD_ROW(9)
                ADD_ROW(10)
                ADD_ROW(11)
                ADD_ROW(12)
                ADD_ROW(13)
                ADD_ROW(14)
                ADD_ROW(15)
            }
        }
        shard++;
        if (SPLIT == 0) {
            SUM_FOUR(ADD_SUMS)
            bool is_last = shard == end_shard;
            if (is_last || shard % 2 == 0) {
                SUM_FOUR(ADD_ONES)
            }
            if (is_last || shard % 4 == 0) {
                SUM_FOUR(ADD_PAIRS)
            }
        }
    }
    if (SPLIT == 0) {
        SUM_FOUR(TAKE_FOURS)
    }

    uint vector = first_vector + thread_row;
    uint column = first_column + thread_column;
    SUM_EIGHT(STORE)
}
