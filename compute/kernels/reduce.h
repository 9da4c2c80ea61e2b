/* Sums over rows, per shard, in an order that does not depend on how many shards a rank holds. */
#ifndef COMPUTE_KERNELS_REDUCE_H
#define COMPUTE_KERNELS_REDUCE_H

#include "compute/graph/layer.h"

/*
 * sums[shard][c] = sum over the shard's rows of rows[row][c], for every local shard. `rows`: local rows x stride floats
 * (a multiple of 4), `shard_rows` of them a shard; `sums`: local shards x stride floats.
 */
enum status reduce_columns(struct tape *tape, struct binding rows, int64_t shard_rows, int64_t stride,
                           struct binding sums) MUST_CHECK;

/*
 * Rows of a chunk where a sum over `rows` is cut: about the root of all, so that there are as many chunks; `least`
 * times a power of two.
 */
int64_t reduce_chunk_rows(int64_t rows, int64_t least);

struct row_sums {
    struct binding rows; /* [group][row][stride] */
    int64_t groups, group_rows;
    int64_t stride; /* floats, a multiple of 4 */
    float scale;
    struct binding sums; /* [group][stride] */
    /* Done to the sums, which are rows of so many channels; NULL: none. */
    const struct epilogue *epilogue;
    int64_t columns;
};

/* The same over any groups of rows: sums[group][c] = scale * the sum over the group's rows of rows[row][c]. */
enum status reduce_rows(struct tape *tape, const struct row_sums *params) MUST_CHECK;

struct tree_sum {
    struct binding values; /* [shard][stride] */
    int first, shards;     /* at most PIECE_MAX_SHARDS of them */
    int64_t stride, count; /* floats, multiples of 4 */
    struct binding sum;    /* `count` floats */
};

/* The tree sum of base/shards.h over the first `count` floats of every row. */
enum status reduce_tree(struct tape *tape, const struct tree_sum *params) MUST_CHECK;

/*
 * The gradient of a parameter from its per-shard values: for every piece, the tree sum over the piece's shards of
 * values[shard][i], i below `count` floats (a multiple of 4, dense).
 */
enum status reduce_shards(struct tape *tape, struct binding values, int64_t count, const struct layer *layer,
                          int parameter) MUST_CHECK;

/* Per-chunk values of a parameter's gradient. */
struct chunk_sums {
    struct binding values; /* [shard][chunk][stride] */
    int64_t chunks;        /* a shard */
    int64_t stride, count; /* floats, multiples of 4 */
};

/* The same from them: the sums over the chunks of every shard first. */
enum status reduce_chunks(struct tape *tape, const struct chunk_sums *params, const struct layer *layer,
                          int parameter) MUST_CHECK;

#endif
