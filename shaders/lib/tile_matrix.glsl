/*
 * The tile of a matmul on GPUs that multiply matrices: as lib/tile_gpu.glsl, 256 invocations bring a strip of both
 * operands into shared memory, and each subgroup adds products of fragments of it, which the device's matrix units
 * make.
 *
 * Those multiply halves and add floats. So a float is taken as two halves, high + low, and a product as high * high +
 * high * low + low * high, which loses 2^-21 of it, or 2^-19 where a driver cuts halves off instead of rounding. Units
 * may cut sums off as well, so they add no more than one fragment's depth, and what they made is added here (Ootomo and
 * Yokota 2022, Recovering single precision accuracy from Tensor Cores while surpassing the FP32 theoretical peak
 * performance).
 *
 * Halves are small: above 65504 they are infinite, below 2^-14 they lose digits. So every row and every column of the
 * result has a power of two by which its operand is scaled, which is exact: with the first elements that are not zero
 * it is set such that the largest of them lies in [2^11, 2^12), and it is lowered, the sums with it, when elements
 * would reach 2^15. What is 2^-13 of the largest is still taken to 2^-22 of it. In the end sums are scaled back. A row
 * is scaled by what it holds itself, so that its bits do not depend on the rows that share its tile; what is not finite
 * makes NaN.
 *
 * Every sum takes STEP products after STEP products, in what order the device adds those of a fragment is its own;
 * fragments of the same size give the same bits whatever the tile. To be included behind lib/gather.glsl.
 *
 * Written for GL_NV_cooperative_matrix, which old compilers know, and rewritten for the extension that all vendors have
 * (cooperative_matrix.py).
 */
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_NV_cooperative_matrix : require
#pragma use_vulkan_memory_model
#include "gather_gpu.glsl"
#include "matmul_gpu.h"

layout(local_size_x = MATMUL_GPU_INVOCATIONS) in;
/* From the table in compute/graph/tuning.c. */
layout(constant_id = 5) const uint TILE_ROWS = 64;
layout(constant_id = 6) const uint TILE_COLUMNS = 64; /* at most TILE_ROWS */
/* struct matrix_fragment: FRAGMENT_ROWS x FRAGMENT_DEPTH elements by FRAGMENT_DEPTH x FRAGMENT_COLUMNS. */
layout(constant_id = 11) const uint FRAGMENT_ROWS = 16;
layout(constant_id = 12) const uint FRAGMENT_COLUMNS = 16;
layout(constant_id = 13) const uint FRAGMENT_DEPTH = 16;
layout(constant_id = 14) const uint SUBGROUP = 32; /* invocations */

const uint STEP = MATMUL_MATRIX_STEP;
const uint STEP_VECTORS = STEP / 4;
const uint ROW_VECTORS = TILE_ROWS / 4;
const uint COLUMN_VECTORS = TILE_COLUMNS / 4;
const uint GAP = MATMUL_MATRIX_GAP / 4;
const uint RIGHT_STRIDE = COLUMN_VECTORS + GAP;

const uint SUBGROUPS = MATMUL_GPU_INVOCATIONS / SUBGROUP;
const uint FRAGMENT_SIZE = FRAGMENT_ROWS * FRAGMENT_COLUMNS / 4;                           /* vectors */
const uint FRAGMENTS = TILE_ROWS * COLUMN_VECTORS / FRAGMENT_SIZE / SUBGROUPS;             /* of a subgroup */
const uint BLOCK_COLUMNS = FRAGMENTS >= 16 ? 4 : FRAGMENTS >= 4 ? 2 : 1;                   /* of these, side by side */
const uint BLOCK_ROWS = FRAGMENTS / BLOCK_COLUMNS;
const uint BLOCKS = COLUMN_VECTORS * 4 / (BLOCK_COLUMNS * FRAGMENT_COLUMNS);               /* side by side */
const uint FRAGMENT_VECTORS = (FRAGMENT_SIZE + SUBGROUP - 1) / SUBGROUP;                   /* of an invocation */

#define LEFT_MATRIX fcoopmatNV<16, gl_ScopeSubgroup, FRAGMENT_ROWS, FRAGMENT_DEPTH>
#define RIGHT_MATRIX fcoopmatNV<16, gl_ScopeSubgroup, FRAGMENT_DEPTH, FRAGMENT_COLUMNS>
#define SUM_MATRIX fcoopmatNV<32, gl_ScopeSubgroup, FRAGMENT_ROWS, FRAGMENT_COLUMNS>

/* Every array in shared memory is a multiple of 16 bytes long, so that each begins where matrices may be loaded. */
/* [k][vector of columns]; halves, four a vector */
shared uvec2 right_high[STEP * RIGHT_STRIDE];
shared uvec2 right_low[STEP * RIGHT_STRIDE];
/* A fragment of each subgroup's sums, on its way to where invocations know which elements they hold. */
shared uvec4 staged[SUBGROUPS * FRAGMENT_SIZE];
/* The turn, from 1 on, in which a scale was lowered that sums had been made with. */
shared uvec4 grown;

/* --- scales ------------------------------------------------------------------------------------------------------- */

const int UNSCALED = 126; /* the exponent before there was anything to scale; also the highest */
const int HEADROOM = 3;   /* by so many powers of two elements may grow before a scale is lowered */

/* All of these: 2^exponent and its inverse are normal floats. */
float power_of_two(int exponent)
{
    return uintBitsToFloat(uint(exponent + 127) << 23);
}

vec4 power_of_two(ivec4 exponent)
{
    return uintBitsToFloat(uvec4(exponent + 127) << 23);
}

/* Absolute values as bits: these are in the order of the values, NaN last. */
uvec4 absolute_bits(vec4 value)
{
    return floatBitsToUint(value) & 0x7fffffffu;
}

uint largest_bits(vec4 value)
{
    uvec4 bits = absolute_bits(value);
    return max(max(bits.x, bits.y), max(bits.z, bits.w));
}

/* Whether a value, scaled, would reach 2^15. */
bool exceeds(uint bits, int exponent)
{
    return int(bits >> 23) - 127 + exponent > 14;
}

int lowered(uint bits)
{
    return 14 - HEADROOM - min(int(bits >> 23) - 127, 127);
}

/*
 * Of an operand: by row or column of the result, the largest value that exceeded its scale, as bits; the exponent of
 * the scale, and that of the sums' scale until they are scaled anew.
 * NAME_post(): tells of a value that is going to be multiplied. NAME_take(): behind a barrier, the exponent to scale
 * with; one of those who share it publishes it. NAME_begin(): none, by invocation `id`.
 */
#define SCALES(name, count)                                                                                            \
    shared uint name##_largest[count];                                                                                 \
    shared int name##_exponent[count];                                                                                 \
    shared int name##_before[count];                                                                                   \
    void name##_begin(uint id)                                                                                         \
    {                                                                                                                  \
        if (id < count) {                                                                                              \
            name##_largest[id] = 0;                                                                                    \
            name##_exponent[id] = UNSCALED;                                                                            \
            name##_before[id] = UNSCALED;                                                                              \
        }                                                                                                              \
    }                                                                                                                  \
    void name##_post(uint at, uint bits, int exponent)                                                                 \
    {                                                                                                                  \
        if (exceeds(bits, exponent)) {                                                                                 \
            atomicMax(name##_largest[at], bits);                                                                       \
        }                                                                                                              \
    }                                                                                                                  \
    int name##_take(uint at, int exponent, bool publishes, uint turn)                                                  \
    {                                                                                                                  \
        uint largest = name##_largest[at];                                                                             \
        if (!exceeds(largest, exponent)) {                                                                             \
            return exponent;                                                                                           \
        }                                                                                                              \
        int lower = lowered(largest);                                                                                  \
        if (publishes) {                                                                                               \
            name##_exponent[at] = lower;                                                                               \
            if (exponent == UNSCALED) {                                                                                \
                name##_before[at] = lower; /* its sums are zeros */                                                    \
            } else {                                                                                                   \
                grown.x = turn;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
        return lower;                                                                                                  \
    }                                                                                                                  \
    void name##_post(uint vector, uvec4 bits, ivec4 exponent)                                                          \
    {                                                                                                                  \
        name##_post(vector * 4, bits.x, exponent.x);                                                                   \
        name##_post(vector * 4 + 1, bits.y, exponent.y);                                                               \
        name##_post(vector * 4 + 2, bits.z, exponent.z);                                                               \
        name##_post(vector * 4 + 3, bits.w, exponent.w);                                                               \
    }                                                                                                                  \
    ivec4 name##_take(uint vector, ivec4 exponent, bool publishes, uint turn)                                          \
    {                                                                                                                  \
        return ivec4(name##_take(vector * 4, exponent.x, publishes, turn),                                             \
                     name##_take(vector * 4 + 1, exponent.y, publishes, turn),                                         \
                     name##_take(vector * 4 + 2, exponent.z, publishes, turn),                                         \
                     name##_take(vector * 4 + 3, exponent.w, publishes, turn));                                        \
    }
SCALES(left, TILE_ROWS)
SCALES(right, TILE_COLUMNS)

void scales_begin(uint id)
{
    left_begin(id);
    right_begin(id);
    if (id == 0) {
        grown.x = 0;
    }
}

/* Of a row and a vector of columns. */
ivec4 column_exponents(uint column)
{
    return ivec4(right_exponent[column * 4], right_exponent[column * 4 + 1], right_exponent[column * 4 + 2],
                 right_exponent[column * 4 + 3]);
}

vec4 scaled_back(vec4 sum, uint row, uint column)
{
    ivec4 first = ivec4(-left_exponent[row]);
    ivec4 second = -column_exponents(column);
    /* In this order nothing overflows, or vanishes, that the result does not. */
    precise vec4 small = sum * power_of_two(min(first, second));
    return small * power_of_two(max(first, second));
}

/* Sums as they are in the scales before, in those of now. */
vec4 scaled_anew(vec4 sum, uint row, uint column)
{
    ivec4 before =
        ivec4(right_before[column * 4], right_before[column * 4 + 1], right_before[column * 4 + 2],
              right_before[column * 4 + 3]);
    ivec4 down = left_exponent[row] - left_before[row] + column_exponents(column) - before;
    return sum * power_of_two(max(down, ivec4(-126)));
}

/* --- products ----------------------------------------------------------------------------------------------------- */

/* Not by conversions of numbers: drivers take one there and back for none. */
uvec2 to_halves(vec4 value)
{
    return uvec2(packHalf2x16(value.xy), packHalf2x16(value.zw));
}

vec4 from_halves(uvec2 halves)
{
    return vec4(unpackHalf2x16(halves.x), unpackHalf2x16(halves.y));
}

#define PUT_HALVES(name, at, value)                                                                                    \
    {                                                                                                                  \
        vec4 scaled = value;                                                                                           \
        uvec2 high = to_halves(scaled);                                                                                \
        name##_high[at] = high;                                                                                        \
        name##_low[at] = to_halves(scaled - from_halves(high));                                                        \
    }

/*
 * To the sums of one's subgroup, sums[FRAGMENTS]: the products of what is in shared memory. LEFT_PLACE(row, k): of the
 * left operand there; LEFT_COLUMN_MAJOR: whether its columns lie one after another. block_row, block_column: the subgroup's first of
 * the tile.
 */
#define ADD_TURN                                                                                                       \
    [[unroll]] for (uint k = 0; k < STEP; k += FRAGMENT_DEPTH)                                                         \
    {                                                                                                                  \
        RIGHT_MATRIX b_high[BLOCK_COLUMNS], b_low[BLOCK_COLUMNS];                                                      \
        [[unroll]] for (uint j = 0; j < BLOCK_COLUMNS; j++)                                                            \
        {                                                                                                              \
            uint place = k * RIGHT_STRIDE + (block_column + j * FRAGMENT_COLUMNS) / 4;                                 \
            coopMatLoadNV(b_high[j], right_high, place, RIGHT_STRIDE, false);                                          \
            coopMatLoadNV(b_low[j], right_low, place, RIGHT_STRIDE, false);                                            \
        }                                                                                                              \
        [[unroll]] for (uint i = 0; i < BLOCK_ROWS; i++)                                                               \
        {                                                                                                              \
            uint place = LEFT_PLACE(block_row + i * FRAGMENT_ROWS, k);                                                 \
            LEFT_MATRIX a_high, a_low;                                                                                 \
            coopMatLoadNV(a_high, left_high, place, LEFT_STRIDE, LEFT_COLUMN_MAJOR);                                   \
            coopMatLoadNV(a_low, left_low, place, LEFT_STRIDE, LEFT_COLUMN_MAJOR);                                     \
            SUM_MATRIX made[BLOCK_COLUMNS];                                                                            \
            EACH_BLOCK_COLUMN(made[j] = coopMatMulAddNV(a_low, b_high[j], SUM_MATRIX(0.0));)                           \
            EACH_BLOCK_COLUMN(made[j] = coopMatMulAddNV(a_high, b_low[j], made[j]);)                                   \
            EACH_BLOCK_COLUMN(made[j] = coopMatMulAddNV(a_high, b_high[j], made[j]);)                                  \
            EACH_BLOCK_COLUMN(sums[i * BLOCK_COLUMNS + j] = sums[i * BLOCK_COLUMNS + j] + made[j];)                    \
        }                                                                                                              \
    }
#define EACH_BLOCK_COLUMN(code)                                                                                        \
    [[unroll]] for (uint j = 0; j < BLOCK_COLUMNS; j++)                                                                \
    {                                                                                                                  \
        code                                                                                                           \
    }

/* --- sums --------------------------------------------------------------------------------------------------------- */

#define CLEAR_SUMS                                                                                                     \
    [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)                                                                    \
    {                                                                                                                  \
        sums[f] = SUM_MATRIX(0.0);                                                                                     \
    }

/* For every vector of fragment f that an invocation takes: USE(number, row, column, at), `at` its place in `staged`. */
#define EACH_VECTOR(USE)                                                                                               \
    [[unroll]] for (uint v = 0; v < FRAGMENT_VECTORS; v++)                                                             \
    {                                                                                                                  \
        uint of = v * SUBGROUP + gl_SubgroupInvocationID;                                                              \
        uint in_row = block_row + f / BLOCK_COLUMNS * FRAGMENT_ROWS + of / (FRAGMENT_COLUMNS / 4);                     \
        uint in_column =                                                                                               \
            (block_column + f % BLOCK_COLUMNS * FRAGMENT_COLUMNS) / 4 + of % (FRAGMENT_COLUMNS / 4);                   \
        if (FRAGMENT_SIZE % SUBGROUP == 0 || of < FRAGMENT_SIZE) {                                                     \
            USE(f * FRAGMENT_VECTORS + v, in_row, in_column, gl_SubgroupID * FRAGMENT_SIZE + of)                       \
        }                                                                                                              \
    }
#define STAGE_FRAGMENT                                                                                                 \
    subgroupBarrier(); /* the fragment before has been read */                                                         \
    coopMatStoreNV(sums[f], staged, gl_SubgroupID * FRAGMENT_SIZE, FRAGMENT_COLUMNS / 4, false);                       \
    subgroupBarrier();

/* For every vector of the tile, with the sums staged. */
#define TAKE_SUMS(USE)                                                                                                 \
    [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)                                                                    \
    {                                                                                                                  \
        STAGE_FRAGMENT                                                                                                 \
        EACH_VECTOR(USE)                                                                                               \
    }

#define SCALE_ANEW(number, row, column, at)                                                                            \
    staged[at] = floatBitsToUint(scaled_anew(uintBitsToFloat(staged[at]), row, column));

/* Sums made in a scale that has been lowered in this turn; by all invocations `id` of the workgroup. */
#define SCALE_SUMS                                                                                                     \
    if (grown.x == turn) {                                                                                             \
        [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)                                                                \
        {                                                                                                              \
            STAGE_FRAGMENT                                                                                             \
            EACH_VECTOR(SCALE_ANEW)                                                                                    \
            subgroupBarrier();                                                                                         \
            coopMatLoadNV(sums[f], staged, gl_SubgroupID * FRAGMENT_SIZE, FRAGMENT_COLUMNS / 4, false);                \
        }                                                                                                              \
        barrier();                                                                                                     \
        if (id < TILE_ROWS) {                                                                                          \
            left_before[id] = left_exponent[id];                                                                       \
        }                                                                                                              \
        if (id < TILE_COLUMNS) {                                                                                       \
            right_before[id] = right_exponent[id];                                                                     \
        }                                                                                                              \
    }
