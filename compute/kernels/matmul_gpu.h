/* The kernels of matmul.h for GPUs; for the matmul files of this folder alone. */
#ifndef COMPUTE_KERNELS_MATMUL_GPU_H
#define COMPUTE_KERNELS_MATMUL_GPU_H

#include "compute/kernels/matmul_private.h"

enum status matmul_gpu_rows(struct tape *tape, const struct matmul_rows *params,
                            const struct matmul_rows_part *part) MUST_CHECK;

/* Of matmul_gpu_columns(). */
enum { MATMUL_GPU_TILE_ROWS = 64, MATMUL_GPU_TILE_COLUMNS = 64 };

/* Some tiles of matmul_columns(). */
enum status matmul_gpu_columns(struct tape *tape, const struct matmul_columns *params,
                               const struct tile_range *tiles) MUST_CHECK;

/*
 * Whether the gradient has too few tiles to fill a GPU, so that it is summed by matmul_gpu_split(). Decided by shapes
 * of one sample and the shard's size, for it decides an order of summation.
 */
bool matmul_gpu_splits(const struct matmul_gradient *params);
/* The tree sum over a piece's shards, every part of every shard on its own first. `sums`: of right's rows; or NULL. */
enum status matmul_gpu_split(struct tape *tape, const struct matmul_gradient *params, const struct row_range *rows,
                             struct binding output, const struct binding *sums) MUST_CHECK;

#endif
