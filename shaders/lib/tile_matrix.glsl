/*
 * The tile of a matmul on GPUs that multiply matrices: as lib/tile_gpu.glsl, 256 invocations bring a strip of both
 * operands into shared memory, and each subgroup adds products of fragments of it, which the device's matrix units
 * make.
 *
 * Those multiply halves and add floats. So a float is taken as two halves, high + low, and a product as high * high +
 * high * low + low * high, which loses 2^-21 of it (Ootomo and Yokota 2022, Recovering single precision accuracy from
 * Tensor Cores while surpassing the FP32 theoretical peak performance). Halves are small: above 65504 they are
 * infinite, below 2^-14 they lose digits. So a first pass over both operands finds the largest element of every row of
 * the result and of every vector of its columns, and they are scaled by powers of two, which are exact, until it lies
 * in [2^14, 2^15). What is 2^18 times smaller is still taken to 2^-22 of it. The result is scaled back. A row is scaled
 * by what it is itself, so that its bits do not depend on the rows that share its tile; what is not finite stays so.
 *
 * Every sum takes STEP products after STEP products, in what order the device adds these is its own; fragments of the
 * same size give the same bits whatever the tile. To be included behind lib/gather.glsl.
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
/* A gap behind the rows of shared memory, so that a fragment's rows begin in different banks. */
const uint GAP = 2;
const uint RIGHT_STRIDE = COLUMN_VECTORS + GAP;

const uint SUBGROUPS = MATMUL_GPU_INVOCATIONS / SUBGROUP;
const uint FRAGMENT_SIZE = FRAGMENT_ROWS * FRAGMENT_COLUMNS / 4; /* vectors */
const uint FRAGMENTS = TILE_ROWS * COLUMN_VECTORS / FRAGMENT_SIZE / SUBGROUPS; /* of a subgroup */
const uint BLOCK_COLUMNS = FRAGMENTS >= 16 ? 4 : FRAGMENTS >= 4 ? 2 : 1; /* of these, side by side */
const uint BLOCK_ROWS = FRAGMENTS / BLOCK_COLUMNS;
const uint BLOCKS = COLUMN_VECTORS * 4 / (BLOCK_COLUMNS * FRAGMENT_COLUMNS); /* side by side */
const uint FRAGMENT_VECTORS = FRAGMENT_SIZE / SUBGROUP;                      /* of an invocation */

#define LEFT_MATRIX fcoopmatNV<16, gl_ScopeSubgroup, FRAGMENT_ROWS, FRAGMENT_DEPTH>
#define RIGHT_MATRIX fcoopmatNV<16, gl_ScopeSubgroup, FRAGMENT_DEPTH, FRAGMENT_COLUMNS>
#define SUM_MATRIX fcoopmatNV<32, gl_ScopeSubgroup, FRAGMENT_ROWS, FRAGMENT_COLUMNS>

/* [k][vector of columns]; halves, four a vector */
shared uvec2 right_high[STEP * RIGHT_STRIDE];
shared uvec2 right_low[STEP * RIGHT_STRIDE];
/* A fragment of each subgroup's sums, on its way to where invocations know which elements they hold. */
shared uvec4 staged[SUBGROUPS * FRAGMENT_SIZE];
/* Of every vector of columns: the largest absolute value, as bits. */
shared uint right_largest[COLUMN_VECTORS];

/* Of four elements the largest absolute value, as bits: these are in the order of the values, NaN last. */
uint largest_bits(vec4 value)
{
    uvec4 bits = floatBitsToUint(value) & 0x7fffffffu;
    return max(max(bits.x, bits.y), max(bits.z, bits.w));
}

/* The power of two by which values are scaled whose largest is that; 2^exponent and its inverse are normal floats. */
int scale_exponent(uint largest)
{
    return 14 - clamp(int(largest >> 23) - 127, -112, 127);
}

float power_of_two(int exponent)
{
    return uintBitsToFloat(uint(exponent + 127) << 23);
}

vec4 scaled_back(vec4 sum, uint row_largest, uint column_largest)
{
    int first = -scale_exponent(row_largest);
    int second = -scale_exponent(column_largest);
    return sum * power_of_two(min(first, second)) * power_of_two(max(first, second)); /* this way nothing overflows */
}

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
        uvec2 high = to_halves(value);                                                                                 \
        name##_high[at] = high;                                                                                        \
        name##_low[at] = to_halves((value)-from_halves(high));                                                         \
    }

/*
 * To the sums of one's subgroup, sums[FRAGMENTS]: the products of what is in shared memory. LEFT_PLACE(row, k): of the
 * left operand there; LEFT_TURNED: whether its rows lie side by side. block_row, block_column: the subgroup's first of
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
            coopMatLoadNV(a_high, left_high, place, LEFT_STRIDE, LEFT_TURNED);                                         \
            coopMatLoadNV(a_low, left_low, place, LEFT_STRIDE, LEFT_TURNED);                                           \
            [[unroll]] for (uint j = 0; j < BLOCK_COLUMNS; j++)                                                        \
            {                                                                                                          \
                uint f = i * BLOCK_COLUMNS + j;                                                                        \
                sums[f] = coopMatMulAddNV(a_low, b_high[j], sums[f]);                                                  \
                sums[f] = coopMatMulAddNV(a_high, b_low[j], sums[f]);                                                  \
                sums[f] = coopMatMulAddNV(a_high, b_high[j], sums[f]);                                                 \
            }                                                                                                          \
        }                                                                                                              \
    }

/* For every vector of the tile that an invocation takes: USE(number, row, column, sum), row and vector of columns. */
#define EACH_SUM(USE)                                                                                                  \
    [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)                                                                    \
    {                                                                                                                  \
        EACH_FRAGMENT_SUM(USE)                                                                                         \
    }
#define EACH_FRAGMENT_SUM(USE)                                                                                         \
    [[unroll]] for (uint v = 0; v < FRAGMENT_VECTORS; v++)                                                             \
    {                                                                                                                  \
        uint at = v * SUBGROUP + gl_SubgroupInvocationID;                                                              \
        uint in_row = block_row + f / BLOCK_COLUMNS * FRAGMENT_ROWS + at / (FRAGMENT_COLUMNS / 4);                     \
        uint in_column =                                                                                               \
            (block_column + f % BLOCK_COLUMNS * FRAGMENT_COLUMNS) / 4 + at % (FRAGMENT_COLUMNS / 4);                   \
        USE(f * FRAGMENT_VECTORS + v, in_row, in_column, STAGED_SUM)                                                   \
    }
#define STAGED_SUM uintBitsToFloat(staged[gl_SubgroupID * FRAGMENT_SIZE + at])
/* The same, with the sums as scaled. */
#define TAKE_SUMS(USE)                                                                                                 \
    [[unroll]] for (uint f = 0; f < FRAGMENTS; f++)                                                                    \
    {                                                                                                                  \
        barrier(); /* the fragment before has been read */                                                             \
        coopMatStoreNV(sums[f], staged, gl_SubgroupID * FRAGMENT_SIZE, FRAGMENT_COLUMNS / 4, false);                   \
        barrier();                                                                                                     \
        EACH_FRAGMENT_SUM(USE)                                                                                         \
    }
