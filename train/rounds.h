/*
 * Gradient accumulation: the shards of a rank are worked off in rounds, each a subtree of the tree over all shards.
 * Copies of the gradients are used like a stack: behind a round, neighbours that make up a subtree are added, so
 * few copies suffice and the sum is the one that a single round would have given, bit for bit.
 */
#ifndef TRAIN_ROUNDS_H
#define TRAIN_ROUNDS_H

#include "base/shards.h"
#include "base/status.h"

enum { ROUNDS_MAX = 64, ROUND_MAX_PIECES = 16 };

struct round {
    int first_shard, shard_count;
    struct piece pieces[ROUND_MAX_PIECES];
    int piece_count;
    int first_copy; /* its pieces go to copies first_copy, first_copy + 1, ... */
    /* Behind the round: copy merge_into[i] += copy merge_into[i] + 1, in this order. */
    int merge_into[ROUND_MAX_PIECES];
    int merge_count;
};

struct rounds {
    struct round rounds[ROUNDS_MAX];
    int count;
    int copies;      /* of the gradients, needed at once */
    int piece_limit; /* of the pieces that lie in the copies at the end, for reduce_create() */
};

/*
 * Plans the rounds of a rank that owns shards first .. first + count - 1 of `shards`. `accumulate` 1: one round with
 * all pieces; else rounds of one subtree of at most ceil(count / accumulate) shards each (and PIECE_MAX_SHARDS), so
 * there may be more rounds than `accumulate`.
 */
enum status rounds_plan(int shards, int first, int count, int accumulate, struct rounds *rounds) MUST_CHECK;

/* Adds floats [offset, offset + count) of the copies as the round's merges say. */
void rounds_merge(const struct round *round, float *copies, int64_t flat_count, int64_t offset, int64_t count);

#endif
