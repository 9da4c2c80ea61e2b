#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[k][n] = sum over rows of left[row][k] * right[row][n], as matmul_columns_gpu.comp, for GPUs that multiply
 * matrices (lib/tile_matrix.glsl, lib/matmul_columns_gpu.glsl). Rows are what is summed over here: every vector of k is scaled by
 * what it holds in the rows of one shard, or of a part of one, so that it does not matter which shards are here.
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_matrix.glsl"
#include "lib/matmul_columns_gpu.glsl"

const uint LEFT_STRIDE = ROW_VECTORS + GAP;
#define LEFT_PLACE(row, k) ((k)*LEFT_STRIDE + (row) / 4)
#define LEFT_TURNED true
shared uvec2 left_high[STEP * LEFT_STRIDE]; /* [row][vector of k] */
shared uvec2 left_low[STEP * LEFT_STRIDE];
shared uint left_largest[ROW_VECTORS]; /* of every vector of k */

/* Rows that the invocations bring at once: a turn has them once or twice. */
const uint LEFT_ROWS = MATMUL_GPU_INVOCATIONS / ROW_VECTORS;
const uint RIGHT_ROWS_BROUGHT = MATMUL_GPU_INVOCATIONS / COLUMN_VECTORS;
const uint OUTPUTS = FRAGMENTS * FRAGMENT_VECTORS; /* vectors of an invocation */

vec4 bring_left(uint row, uint end, uint vector, uint depth, int skipped, gather_step step, gather_sizes from)
{
    bool exists = row < end && vector < depth;
    vec4 value = exists ? load_left(gather_find(row, exists, skipped, from), step, from) : vec4(0);
    if (SUMS == 1 && vector == depth) {
        value.x = 1.0; /* also for rows that do not exist, where the right operand is 0 */
    }
    return value;
}

/* left0, left1, right0, right1 of the turn that begins at `row`. */
#define BRING                                                                                                          \
    vec4 left0 = bring_left(row + left_row, end, left_vector, depth, left_skipped, step, from);                        \
    vec4 left1 = vec4(0);                                                                                              \
    if (STEP > LEFT_ROWS) {                                                                                            \
        left1 = bring_left(row + left_row + LEFT_ROWS, end, left_vector, depth, left_skipped, step, from);             \
    }                                                                                                                  \
    bool right0_exists = row + right_row < end && right_column < columns && brings_right;                              \
    bool right1_exists = STEP > RIGHT_ROWS_BROUGHT && right0_exists && row + right_row + RIGHT_ROWS_BROUGHT < end;     \
    uint texel = (row + right_row) * columns + right_column + right_skipped;                                           \
    vec4 right0 = right0_exists ? imageLoad(right, int(texel)) : vec4(0);                                              \
    vec4 right1 = right1_exists ? imageLoad(right, int(texel + RIGHT_ROWS_BROUGHT * columns)) : vec4(0);

#define ADD_SHARD(number, in_row, in_column, sum)                                                                      \
    ones[number] += scaled_back(sum, left_largest[in_row / 4], right_largest[in_column]);
#define STORE_SUM(number, in_row, in_column, sum)                                                                      \
    store(first_vector + in_row / 4, in_row % 4, first_column + in_column, depth,                                      \
          scaled_back(sum, left_largest[in_row / 4], right_largest[in_column]));
#define STORE_TREE(number, in_row, in_column, sum)                                                                     \
    store(first_vector + in_row / 4, in_row % 4, first_column + in_column, depth, fours[number]);

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

    uint left_row = id / ROW_VECTORS;
    uint left_vector = first_vector + id % ROW_VECTORS;
    gather_step step = gather_begin(left_vector, from);
    int left_skipped = int(product * push.batch.left);
    uint right_row = id / COLUMN_VECTORS;
    uint right_column = first_column + id % COLUMN_VECTORS;
    bool brings_right = right_row < STEP;
    uint right_skipped = product * push.batch.right;

    uint block_row = gl_SubgroupID / BLOCKS * (BLOCK_ROWS * FRAGMENT_ROWS);
    uint block_column = gl_SubgroupID % BLOCKS * (BLOCK_COLUMNS * FRAGMENT_COLUMNS);
    uint left_place = left_row * LEFT_STRIDE + id % ROW_VECTORS;
    uint right_place = right_row * RIGHT_STRIDE + id % COLUMN_VECTORS;

    uint first_shard = SPLIT == 1 ? gl_WorkGroupID.z / push.parts : 0;
    uint end_shard = SPLIT == 1 ? first_shard + 1 : push.shards;
    uint first_part = SPLIT == 1 ? gl_WorkGroupID.z % push.parts : 0;
    vec4 ones[OUTPUTS], pairs[OUTPUTS], fours[OUTPUTS]; /* the levels of the tree; not used with SPLIT */
    [[unroll]] for (uint i = 0; i < OUTPUTS; i++)
    {
        ones[i] = vec4(-0.0);
        pairs[i] = vec4(-0.0);
        fours[i] = vec4(-0.0);
    }
    SUM_MATRIX sums[FRAGMENTS];
    for (uint shard = first_shard; shard < end_shard;) {
        uint shard_row = push.first_row + shard * push.shard_rows;
        uint begin = shard_row + first_part * push.part_rows;
        uint end = min(begin + push.part_rows, shard_row + push.shard_rows);
        barrier(); /* the shard before has been scaled back */
        if (id < ROW_VECTORS) {
            left_largest[id] = 0;
        }
        if (id < COLUMN_VECTORS) {
            right_largest[id] = 0;
        }
        barrier();
        uvec2 largest = uvec2(0);
        for (uint row = begin; row < end; row += STEP) {
            BRING
            largest = max(largest, uvec2(max(largest_bits(left0), largest_bits(left1)),
                                         max(largest_bits(right0), largest_bits(right1))));
        }
        atomicMax(left_largest[id % ROW_VECTORS], largest.x);
        atomicMax(right_largest[id % COLUMN_VECTORS], largest.y);
        barrier();
        float left_scale = power_of_two(scale_exponent(left_largest[id % ROW_VECTORS]));
        float right_scale = power_of_two(scale_exponent(right_largest[id % COLUMN_VECTORS]));

        [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)
        {
            sums[f] = SUM_MATRIX(0.0);
        }
        for (uint row = begin; row < end; row += STEP) {
            BRING
            barrier(); /* the turn before has been read */
            PUT_HALVES(left, left_place, left0 * left_scale)
            if (STEP > LEFT_ROWS) {
                PUT_HALVES(left, left_place + LEFT_ROWS * LEFT_STRIDE, left1 * left_scale)
            }
            if (brings_right) {
                PUT_HALVES(right, right_place, right0 * right_scale)
                if (STEP > RIGHT_ROWS_BROUGHT) {
                    PUT_HALVES(right, right_place + RIGHT_ROWS_BROUGHT * RIGHT_STRIDE, right1 * right_scale)
                }
            }
            barrier();
            ADD_TURN
        }
        shard++;
        if (SPLIT == 0) {
            TAKE_SUMS(ADD_SHARD)
            bool is_last = shard == end_shard;
            if (is_last || shard % 2 == 0) {
                [[unroll]] for (uint i = 0; i < OUTPUTS; i++)
                {
                    pairs[i] += ones[i];
                    ones[i] = vec4(-0.0);
                }
            }
            if (is_last || shard % 4 == 0) {
                [[unroll]] for (uint i = 0; i < OUTPUTS; i++)
                {
                    fours[i] += pairs[i];
                    pairs[i] = vec4(-0.0);
                }
            }
        }
    }
    if (SPLIT == 1) {
        TAKE_SUMS(STORE_SUM)
    } else {
        EACH_SUM(STORE_TREE)
    }
}
