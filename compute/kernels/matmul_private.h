/* What the files of matmul.h share. */
#ifndef COMPUTE_KERNELS_MATMUL_PRIVATE_H
#define COMPUTE_KERNELS_MATMUL_PRIVATE_H

#include <assert.h>

#include "compute/kernels/matmul.h"

/* Rows of matmul_rows() that a storage buffer holds. */
struct matmul_rows_part {
    int64_t first, rows;
    scatter places; /* where there are some */
    struct binding output;
};

/* Tiles that lie side by side in memory: whole panels, or some of the rows of one panel. */
struct tile_range {
    int64_t first_depth, depth_count;
    int64_t first_column, column_count;
    int64_t first_vector, vector_count; /* of the output */
};

/* How many products batch_count says. */
static inline int64_t matmul_products(int64_t batch_count)
{
    assert(batch_count <= DISPATCH_MAX_GROUPS);
    return batch_count > 1 ? batch_count : 1;
}

/* Rows of a result of matmul_columns(): with the one that makes the sums, and the vector of k that it is in. */
static inline int64_t matmul_columns_rows(const struct matmul_columns *params)
{
    return params->left.depth + (params->sums != NULL ? 4 : 0);
}

/* Whether the shaders may take four vectors of channels at once. */
static inline bool matmul_is_whole(const struct matmul_left *left)
{
    return left->gather.channels % 4 == 0;
}

/*
 * A dispatch of that kernel, on CPUs or GPUs, for a part of the product: with its bindings, its flops (of all products
 * of a batch), and constants 0 .. 4 of rows, 0 .. 2 of columns.
 */
struct dispatch matmul_rows_dispatch(const char *kernel, const struct matmul_rows *params,
                                     const struct matmul_rows_part *part);
struct dispatch matmul_columns_dispatch(const char *kernel, const struct matmul_columns *params,
                                        const struct tile_range *tiles);

/* CPUs: turns of loops that a turn of a tile's loop takes: its own, and one for every four rows (lib/tile.glsl). */
#define MATMUL_TURN_LOOPS(height) (1 + (height) / 4)

/* CPUs: the tiles of a result (shaders/lib/tile.glsl). */
struct matmul_tile {
    int64_t rows, columns;
    uint32_t height;       /* rows of a group of lanes: 16 or 32 */
    uint32_t column_lanes; /* 4, 8 or 16: lanes of a group */
};

/* The fastest for a result of that size, whose left operand is gathered so (GATHER_...). */
struct matmul_tile matmul_tile(const struct tape *tape, int64_t rows, int64_t columns, uint32_t kind);

#endif
