/*
 * What C and GLSL share about the matmul_*_gpu.comp and matmul_*_matrix.comp kernels; see lib/tile_gpu.glsl and
 * lib/tile_matrix.glsl.
 */
#ifndef SHADERS_MATMUL_GPU_H
#define SHADERS_MATMUL_GPU_H

#include "matmul.h"

#define MATMUL_GPU_INVOCATIONS 256
/* Products that one turn of the loop adds to every sum of a tile as high as that. */
#define MATMUL_GPU_STEP(tile_rows) (4 * MATMUL_GPU_INVOCATIONS / (tile_rows))
/* The same where the device multiplies matrices: of every tile. */
#define MATMUL_MATRIX_STEP 16
/* Halves behind the rows of shared memory, so that the rows of a fragment begin in different banks. */
#define MATMUL_MATRIX_GAP 8
/*
 * Bytes of shared memory that a tile takes there at most, with so many sums of all subgroups' fragments: halves of both
 * operands, high and low, with gaps; those sums; three numbers for every row and column; one more vector.
 */
#define MATMUL_MATRIX_SHARED(rows, columns, sums)                                                                      \
    (4 * (rows) * (MATMUL_MATRIX_STEP + MATMUL_MATRIX_GAP) +                                                           \
     4 * ((columns) + MATMUL_MATRIX_GAP) * MATMUL_MATRIX_STEP + 4 * (sums) + 12 * ((rows) + (columns)) + 16)

/*
 * The grid's z numbers the products of a batch; or, of one product, the parts of its depth, each into its own output.
 */
struct matmul_rows_gpu_push {
    gather left;
    matmul_batch batch;
    scatter places; /* with SCATTER */
    divisor row_tiles;
    uint first_row; /* the first that this dispatch makes; the output is bound from it on */
    uint end_row;
    uint depth;   /* K in vectors */
    uint columns; /* N */
    uint parts;
    uint part_depth; /* vectors of a part, a multiple of a turn's */
};

/*
 * What this dispatch makes: `depth_tiles` tiles of k from first_depth_tile on, by the column tiles of the grid. z
 * numbers the products of a batch; or, where the sums of shards are kept apart, the parts of all shards, shard by
 * shard.
 */
struct matmul_columns_gpu_push {
    gather left;
    matmul_batch batch;
    divisor depth_tiles;
    uint first_depth_tile, first_column_tile;
    uint first_vector; /* of the output, at which its bound part begins */
    uint first_row;
    uint shards; /* at most 8, added as a tree; or kept apart */
    uint shard_rows;
    uint columns; /* vectors a row of the right operand */
    uint parts;   /* of a shard, where they are kept apart */
    uint part_rows;
};

#endif
