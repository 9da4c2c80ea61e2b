#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[row][n] = sum over k of left[row][k] * right[k][n] (+ bias[n]), then the epilogue, as matmul_rows_gpu.comp, for
 * GPUs that multiply matrices (lib/tile_matrix.glsl, lib/matmul_rows_gpu.glsl).
 */
#include "matmul_gpu.h"
#include "lib/gather.glsl"
#include "lib/tile_matrix.glsl"
#include "lib/matmul_rows_gpu.glsl"

const uint LEFT_STRIDE = STEP_VECTORS + GAP;
#define LEFT_PLACE(row, k) ((row)*LEFT_STRIDE + (k) / 4)
#define LEFT_TURNED false
shared uvec2 left_high[TILE_ROWS * LEFT_STRIDE]; /* [row][vector of k] */
shared uvec2 left_low[TILE_ROWS * LEFT_STRIDE];
shared uint left_largest[TILE_ROWS]; /* of every row */

/* Rows that the invocations bring at once, of the left operand and of the right one: a tile has them once or twice. */
const uint LEFT_ROWS = MATMUL_GPU_INVOCATIONS / STEP_VECTORS;
const uint RIGHT_ROWS_BROUGHT = MATMUL_GPU_INVOCATIONS / COLUMN_VECTORS;

/* What an invocation brings next. */
struct turn {
    gather_step step;
    uint left_vector;            /* of its rows of the left operand */
    uint right_row, right_texel; /* the first of its rows of the right one */
};

/* left0, left1, right0, right1 of this turn, and on to the next one. */
#define BRING                                                                                                          \
    bool left_exists = now.left_vector < end;                                                                          \
    vec4 left0 = left_exists ? load_left(row0, now.step, from) : vec4(0);                                              \
    vec4 left1 = TILE_ROWS > LEFT_ROWS && left_exists ? load_left(row1, now.step, from) : vec4(0);                     \
    bool right0_exists = now.right_row < right_end;                                                                    \
    bool right1_exists = STEP > RIGHT_ROWS_BROUGHT && now.right_row + RIGHT_ROWS_BROUGHT < right_end;                  \
    vec4 right0 = right0_exists ? imageLoad(right, int(now.right_texel)) : vec4(0);                                    \
    vec4 right1 = right1_exists ? imageLoad(right, int(now.right_texel + RIGHT_ROWS_BROUGHT * width)) : vec4(0);       \
    advance(now.step, from);                                                                                           \
    now.left_vector += STEP_VECTORS;                                                                                   \
    now.right_row += STEP;                                                                                             \
    now.right_texel += STEP * width;

#define STORE_SUM(number, in_row, in_column, sum)                                                                      \
    store(first_row + in_row, first_column + in_column,                                                                \
          scaled_back(sum, left_largest[in_row], right_largest[in_column]), part == 0, from);

void main()
{
    gather_sizes from = gather_unpack(push.left);
    uint columns = (push.columns + 3) / 4;
    uint id = gl_LocalInvocationID.x;
    uint product = push.parts > 1 ? 0 : gl_WorkGroupID.z;
    uint part = push.parts > 1 ? gl_WorkGroupID.z : 0;

    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint column_tile = divide(group, push.row_tiles);
    uint first_row = push.first_row + (group - column_tile * push.row_tiles.value) * TILE_ROWS;
    uint first_column = column_tile * COLUMN_VECTORS;
    if (first_column >= columns) {
        return; /* all of the workgroup */
    }
    uint begin = part * push.part_depth;
    uint end = min(begin + push.part_depth, push.depth);

    uint left_row = id / STEP_VECTORS;
    uint left_vector = id % STEP_VECTORS;
    int left_skipped = int(product * push.batch.left);
    uint found = first_row + left_row;
    gather_row row0 = gather_find(found, found < push.end_row, left_skipped, from);
    gather_row row1 = gather_find(found + LEFT_ROWS, found + LEFT_ROWS < push.end_row, left_skipped, from);

    uint right_row = id / COLUMN_VECTORS;
    uint right_vector = id % COLUMN_VECTORS;
    uint right_column = first_column + right_vector;
    bool brings_right = right_row < STEP;
    uint panel = PANELS == 1 ? right_column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = PANELS == 1 ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    uint first_right_row = begin * 4 + right_row;
    uint right_texel =
        panel * push.depth * 4 + first_right_row * width + right_column - panel + product * push.batch.right;
    uint right_end = brings_right && right_column < columns ? end * 4 : 0;

    turn first = turn(gather_begin(begin + left_vector, from), begin + left_vector, first_right_row, right_texel);
    if (id < TILE_ROWS) {
        left_largest[id] = 0;
    }
    if (id < COLUMN_VECTORS) {
        right_largest[id] = 0;
    }
    barrier();
    turn now = first;
    uvec3 largest = uvec3(0);
    for (uint k = begin; k < end; k += STEP_VECTORS) {
        BRING
        largest = max(largest, uvec3(largest_bits(left0), largest_bits(left1),
                                     max(largest_bits(right0), largest_bits(right1))));
    }
    atomicMax(left_largest[left_row], largest.x);
    if (TILE_ROWS > LEFT_ROWS) {
        atomicMax(left_largest[left_row + LEFT_ROWS], largest.y);
    }
    atomicMax(right_largest[right_vector], largest.z);
    barrier();
    float scale0 = power_of_two(scale_exponent(left_largest[left_row]));
    float scale1 = TILE_ROWS > LEFT_ROWS ? power_of_two(scale_exponent(left_largest[left_row + LEFT_ROWS])) : 0.0;
    float right_scale = power_of_two(scale_exponent(right_largest[right_vector]));

    uint block_row = gl_SubgroupID / BLOCKS * (BLOCK_ROWS * FRAGMENT_ROWS);
    uint block_column = gl_SubgroupID % BLOCKS * (BLOCK_COLUMNS * FRAGMENT_COLUMNS);
    uint left_place = left_row * LEFT_STRIDE + left_vector;
    uint right_place = right_row * RIGHT_STRIDE + right_vector;
    SUM_MATRIX sums[FRAGMENTS];
    [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)
    {
        sums[f] = SUM_MATRIX(0.0);
    }
    now = first;
    for (uint k = begin; k < end; k += STEP_VECTORS) {
        BRING
        barrier(); /* the turn before has been read */
        PUT_HALVES(left, left_place, left0 * scale0)
        if (TILE_ROWS > LEFT_ROWS) {
            PUT_HALVES(left, left_place + LEFT_ROWS * LEFT_STRIDE, left1 * scale1)
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
    TAKE_SUMS(STORE_SUM)
}
