/*
 * Virtual shards: why the bits do not depend on the number of ranks.
 *
 * The global batch is cut into `shards` equal parts. Every sum over the batch is formed per shard in a fixed order and
 * combined in one fixed binary tree over the shards: a node over n leaves splits at the largest power of two below n.
 * A rank owns a contiguous range of shards and hands out `pieces`: sums over maximal subtrees inside its range.
 * Whoever adds pieces follows the tree, so the result is the same however the shards are spread over ranks.
 */
#ifndef BASE_SHARDS_H
#define BASE_SHARDS_H

#include <stdint.h>

/* A kernel folds at most this many shards at once, so a piece never holds more. */
enum { PIECE_MAX_SHARDS = 8 };

/* Shards first .. first + count - 1: a subtree. */
struct piece {
    int first;
    int count;
};

/* The largest power of two below n; n >= 2. */
int shards_split(int n);
/* The first shard of rank `rank` of `ranks`: floor(rank * shards / ranks). Rank's range ends where the next begins. */
int shards_first(int shards, int rank, int ranks);
/* The largest divisor of `batch` that is at most `limit`. */
int shards_default(int64_t batch, int limit);

/*
 * Cuts the range [first, first + count) of a tree over `shards` leaves into maximal subtrees of at most `limit` leaves,
 * in ascending order. Returns how many; writes those that fit into pieces[capacity] (which may be NULL for 0).
 */
int shards_pieces(int shards, int first, int count, int limit, struct piece *pieces, int capacity);

/*
 * Adds `piece_count` pieces that together cover all `shards` leaves, in tree order: result[i] = sum of data[p][i] for
 * `count` elements. `result` may be one of data[]. Exact order, single precision.
 */
void shards_sum(int shards, const struct piece *pieces, const float *const *data, int piece_count, int64_t count,
                float *result);
/* The same for doubles, one value a piece: for losses and counts. */
double shards_sum_double(int shards, const struct piece *pieces, const double *values, int piece_count);

#endif
