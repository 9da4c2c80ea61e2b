/*
 * Products of matrices, the core of linear and convolution layers, forward and backward. The left operand is a matrix,
 * or gathered from an image as a convolution reads it; nothing is copied for that.
 */
#ifndef COMPUTE_KERNELS_MATMUL_H
#define COMPUTE_KERNELS_MATMUL_H

#include "compute/graph/layer.h"
#include "compute/kernels/window.h"
#include "shaders/matmul.h"

/* --- panels: the layout of weights [depth][columns] --------------------------------------------------------------- */

/* Floats of `depth` x `columns` weights; depth is a multiple of 4, columns are rounded up to 4. */
int64_t panels_elements(int64_t depth, int64_t columns);
/* Where element (k, n) lies, in floats. */
int64_t panels_place(int64_t depth, int64_t columns, int64_t k, int64_t n);

/* --- the left operand --------------------------------------------------------------------------------------------- */

/* Element k of a row: kernel position (i, j) and channel c of the tensor read, k = (i * width + j) * stride + c. */
struct matmul_left {
    struct binding tensor;
    uint32_t kind; /* GATHER_* */
    struct gather gather;
    int64_t depth;       /* K in floats, a multiple of 4 */
    double useful_depth; /* products a row that a user counts, on average: none with padding channels or gaps */
};

/* Rows of `stride` floats, a multiple of 4. */
struct matmul_left matmul_left_rows(struct binding rows, int64_t stride);
/* A row for every position of `made`: what a convolution's output there is made of. */
struct matmul_left matmul_left_windows(struct binding image, const struct window *window, struct shape made,
                                       struct shape read);
/* The same of an image of one channel, without its padding: k = i * width + j. */
struct matmul_left matmul_left_single(struct binding image, const struct window *window, struct shape made,
                                      struct shape read);

/* --- products ----------------------------------------------------------------------------------------------------- */

/* Rows made for every stride-th position of an image, from `first` on, go to those positions; at most 65,535 wide. */
struct matmul_scatter {
    struct shape image;
    int64_t stride[2], first[2];
};

struct matmul_rows {
    struct matmul_left left;
    int64_t first_row; /* of left, for the output's first */
    int64_t rows;
    struct binding right; /* depth x columns */
    uint32_t layout;      /* of right: RIGHT_* */
    int64_t columns;
    const struct binding *bias;           /* one float a column, padded to 4; NULL: none */
    const struct epilogue *epilogue;      /* done to what is written; NULL: none */
    struct binding output;                /* rows x columns rounded up to 4, the padding is written as zeros */
    const struct matmul_scatter *scatter; /* NULL: none */
    /* Several products: 0 or 1 is one. Each in a storage buffer's limit together with the others. */
    int64_t batch_count;
    struct matmul_batch batch;
};

/* output[row][n] = sum over k of left[row][k] * right[k][n] + bias[n], through the epilogue */
enum status matmul_rows(struct tape *tape, const struct matmul_rows *params) MUST_CHECK;

/* Rows of the whole batch to sum: shards of `shard_rows` rows each, one after another. */
struct row_range {
    int64_t first_row;
    int shards; /* at most PIECE_MAX_SHARDS; added as the tree of base/shards.h */
    int64_t shard_rows;
};

struct matmul_columns {
    struct matmul_left left;
    struct binding right; /* rows x columns rounded up to 4 */
    int64_t columns;
    struct row_range rows;
    struct binding output; /* depth x columns */
    uint32_t layout;       /* of the output: RIGHT_ROWS or RIGHT_PANELS */
    /* Columns rounded up to 4: sums[n] = sum over rows of right[row][n]; NULL: none. matmul_sums_fit() */
    const struct binding *sums;
    bool packed;         /* left in panels of a tile's k, right in panels of a tile's columns */
    int64_t batch_count; /* as above */
    struct matmul_batch batch;
};

/* output[k][n] = sum over rows of left[row][k] * right[row][n], in the order of the rows; matmul_columns_fits() */
enum status matmul_columns(struct tape *tape, const struct matmul_columns *params) MUST_CHECK;
/* Whether a dispatch can sum so many rows: a shader's loops are limited. */
bool matmul_columns_fits(const struct tape *tape, const struct row_range *rows);

struct matmul_gradient {
    struct matmul_left left;
    struct binding right; /* rows x columns rounded up to 4: the gradient of what left's rows were multiplied into */
    int64_t columns;
    int64_t shard_rows;
    int64_t packed_rows; /* set by matmul_gradient() where it packs the operands */
};

/*
 * Whether the kernel for the gradient of weights makes the sums of right's rows too, for it costs less than another
 * pass over them: where the last tile of the depth has room for a row more. They are then summed as the weights'
 * gradient is. It follows from the shapes and the class, so it is the same on every rank.
 */
bool matmul_sums_fit(const struct tape *tape, const struct matmul_gradient *params);

/*
 * The gradients of the layer's parameter `weight`, in panels, and of `bias` (-1: none), the sums of right's rows; for
 * every piece: the tree sum over its shards, each of any number of rows.
 */
enum status matmul_gradient(struct tape *tape, const struct matmul_gradient *params, const struct layer *layer,
                            int weight, int bias) MUST_CHECK;

/*
 * In which order workgroups take the tiles of a result, on CPUs: blocks as high as the cache holds what their row tiles
 * read, `size` bytes each.
 */
tile_order matmul_order(const struct tape *tape, int64_t row_tiles, int64_t column_tiles, int64_t size);

/*
 * Matrix (i, j) of the result, numbered i * size[1] + j, is the transpose of number first - i * step[0] - j * step[1].
 */
struct matmul_transpose {
    struct binding source; /* matrices of rows x columns, one below the other */
    uint32_t layout;       /* of the source: RIGHT_ROWS or RIGHT_PANELS */
    int64_t source_rows;   /* of all matrices, as its panels lie */
    int64_t rows, columns; /* columns: a multiple of 4 */
    int64_t size[2];
    int64_t first, step[2];
    struct binding output; /* matrices of columns x rows rounded up to 4, one below the other, in panels */
};

/* Transposes some of a stack of matrices: weights by kernel position become those of the gradient to the input. */
enum status matmul_transpose(struct tape *tape, const struct matmul_transpose *params) MUST_CHECK;

#endif
