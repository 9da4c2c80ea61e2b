#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[k][n] = sum over rows of left[row][k] * right[row][n], as matmul_columns_gpu.comp, for GPUs that multiply
 * matrices (lib/tile_matrix.glsl, lib/matmul_columns_gpu.glsl). Every shard, or part of one, has scales of its own, so
 * that it does not matter which shards are here.
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_matrix.glsl"
#include "lib/matmul_columns_gpu.glsl"

const uint LEFT_STRIDE = ROW_VECTORS + GAP;
#define LEFT_PLACE(row, k) ((k)*LEFT_STRIDE + (row) / 4)
#define LEFT_COLUMN_MAJOR true
shared uvec2 left_high[STEP * LEFT_STRIDE]; /* [row of the batch][vector of the result's rows] */
shared uvec2 left_low[STEP * LEFT_STRIDE];

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

/* left0, left1, right0, right1 of the turn that begins at `row`; what exceeds its scale is told. */
#define BRING(row)                                                                                                     \
    {                                                                                                                  \
        uint row0 = (row) + tile_left_k;                                                                               \
        left0 = bring_left(row0, end, left_vector, depth, left_skipped, step, from);                                   \
        left1 = vec4(0);                                                                                               \
        if (STEP > LEFT_ROWS) {                                                                                        \
            left1 = bring_left(row0 + LEFT_ROWS, end, left_vector, depth, left_skipped, step, from);                   \
        }                                                                                                              \
        uint right_row = (row) + tile_right_k;                                                                         \
        bool right0_exists = right_row < end && right_column < columns && brings_right;                                \
        bool right1_exists = STEP > RIGHT_ROWS_BROUGHT && right0_exists && right_row + RIGHT_ROWS_BROUGHT < end;       \
        uint texel = right_row * columns + right_column + right_skipped;                                               \
        right0 = right0_exists ? imageLoad(right, int(texel)) : vec4(0);                                               \
        right1 = right1_exists ? imageLoad(right, int(texel + RIGHT_ROWS_BROUGHT * columns)) : vec4(0);                \
    }
#define POST                                                                                                           \
    left_post(tile_vector, max(absolute_bits(left0), absolute_bits(left1)), left_exponents);                           \
    right_post(tile_column, max(absolute_bits(right0), absolute_bits(right1)), right_exponents);

#define ADD_SHARD(number, row, column, at) ones[number] += scaled_back(uintBitsToFloat(staged[at]), row, column);
#define STORE_SUM(number, row, column, at)                                                                             \
    store(first_vector + row / 4, row % 4, first_column + column, depth,                                               \
          scaled_back(uintBitsToFloat(staged[at]), row, column));
#define STORE_TREE(number, row, column, at)                                                                            \
    store(first_vector + row / 4, row % 4, first_column + column, depth, fours[number]);

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

    uint tile_left_k = id / ROW_VECTORS;
    uint tile_vector = id % ROW_VECTORS;
    uint left_vector = first_vector + tile_vector;
    gather_step step = gather_begin(left_vector, from);
    int left_skipped = int(product * push.batch.left);
    uint left_place = tile_left_k * LEFT_STRIDE + tile_vector;

    uint tile_right_k = id / COLUMN_VECTORS;
    uint tile_column = id % COLUMN_VECTORS;
    uint right_column = first_column + tile_column;
    bool brings_right = tile_right_k < STEP;
    uint right_skipped = product * push.batch.right;
    uint right_place = tile_right_k * RIGHT_STRIDE + tile_column;

    uint block_row = gl_SubgroupID / BLOCKS * (BLOCK_ROWS * FRAGMENT_ROWS);
    uint block_column = gl_SubgroupID % BLOCKS * (BLOCK_COLUMNS * FRAGMENT_COLUMNS);

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
        ivec4 left_exponents = ivec4(UNSCALED), right_exponents = ivec4(UNSCALED);
        CLEAR_SUMS
        barrier(); /* the shard before has been scaled back */
        scales_begin(id);
        barrier();
        vec4 left0, left1, right0, right1;
        BRING(begin)
        POST
        uint turn = 0;
        for (uint row = begin; row < end; row += STEP) {
            turn++;
            barrier(); /* the turn before has been read, and of this one all have told of their largest */
            left_exponents = left_take(tile_vector, left_exponents, tile_left_k == 0, turn);
            PUT_HALVES(left, left_place, left0 * power_of_two(left_exponents))
            if (STEP > LEFT_ROWS) {
                PUT_HALVES(left, left_place + LEFT_ROWS * LEFT_STRIDE, left1 * power_of_two(left_exponents))
            }
            right_exponents = right_take(tile_column, right_exponents, tile_right_k == 0, turn);
            if (brings_right) {
                PUT_HALVES(right, right_place, right0 * power_of_two(right_exponents))
                if (STEP > RIGHT_ROWS_BROUGHT) {
                    PUT_HALVES(right, right_place + RIGHT_ROWS_BROUGHT * RIGHT_STRIDE,
                               right1 * power_of_two(right_exponents))
                }
            }
            barrier();
            BRING(row + STEP) /* on its way while this one is multiplied */
            SCALE_SUMS
            ADD_TURN
            POST
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
        [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)
        {
            EACH_VECTOR(STORE_TREE)
        }
    }
}
