/* The arithmetic of reduce. Every order of summation here is part of the promise in base/shards.h and reduce.h. */
#include "cluster/reduce_private.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static double square_block(const float *block)
{
    double lanes[REDUCE_LANES] = {0};
    for (int i = 0; i < REDUCE_BLOCK; i += REDUCE_LANES) {
        for (int lane = 0; lane < REDUCE_LANES; lane++) {
            double value = block[i + lane];
            lanes[lane] += value * value;
        }
    }
    double sum = lanes[0];
    for (int lane = 1; lane < REDUCE_LANES; lane++) {
        sum += lanes[lane];
    }
    return sum;
}

/* The squares of a block without its frozen parts; those that are not finite stay, because they must be found. */
static double square_unfrozen(const struct reduce *reduce, int64_t offset, const float *block)
{
    enum { UNITS = REDUCE_BLOCK / REDUCE_UNIT };
    const uint8_t *frozen = reduce->params.frozen != NULL ? reduce->params.frozen + offset / REDUCE_UNIT : NULL;
    double squares = square_block(block);
    if (frozen == NULL || memchr(frozen, 1, UNITS) == NULL || !isfinite(squares)) {
        return squares;
    }
    float kept[REDUCE_BLOCK];
    memcpy(kept, block, sizeof kept);
    for (int i = 0; i < UNITS; i++) {
        if (frozen[i] != 0) {
            memset(kept + i * REDUCE_UNIT, 0, REDUCE_UNIT * sizeof *kept);
        }
    }
    return square_block(kept);
}

/* Where each piece of the slice lies: this rank's in its own gradients, the others' in the staging memory. */
static void find_sources(struct reduce *reduce, const struct bucket *bucket)
{
    const float *arrived = bucket->staging;
    const float *own = reduce->params.gradients + bucket->slice.offset;
    for (int p = 0; p < reduce->piece_count; p++) {
        bool mine = p >= reduce->own_first && p < reduce->own_first + reduce->own_count;
        if (mine) {
            reduce->sources[p] = own;
            own += reduce->params.flat_count;
        } else {
            reduce->sources[p] = arrived;
            arrived += bucket->slice.count;
        }
    }
}

void reduce_sum_slice(struct reduce *reduce, struct bucket *bucket)
{
    double started = MPI_Wtime();
    bool add = reduce->tree && reduce->piece_count > 1;
    float *result = reduce->params.gradients + bucket->slice.offset;
    if (add) {
        find_sources(reduce, bucket);
    }
    /* Block by block: the squares find the sum still in the cache. */
    for (int64_t i = 0; i < bucket->slice.count / REDUCE_BLOCK; i++) {
        if (add) {
            shards_sum(reduce->params.shards, reduce->pieces, reduce->sources, reduce->piece_count, REDUCE_BLOCK,
                       result);
            for (int p = 0; p < reduce->piece_count; p++) {
                reduce->sources[p] += REDUCE_BLOCK;
            }
        }
        bucket->squares[i] = square_unfrozen(reduce, bucket->slice.offset + i * REDUCE_BLOCK, result);
        result += REDUCE_BLOCK;
    }
    reduce->sum_seconds += MPI_Wtime() - started;
}

void reduce_fold_pieces(struct reduce *reduce, const struct bucket *bucket)
{
    float *restrict total = reduce->params.gradients + bucket->range.offset;
    for (int p = 1; p < reduce->own_count; p++) {
        const float *restrict piece = total + p * reduce->params.flat_count;
        for (int64_t i = 0; i < bucket->range.count; i++) {
            total[i] += piece[i];
        }
    }
}

double reduce_add_squares(struct reduce *reduce, int64_t *bad_block, int *owner)
{
    double sum = 0;
    *bad_block = -1;
    for (int r = 0; r < reduce->ranks; r++) {
        reduce->cursors[r] = reduce->square_offsets[r];
    }
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        for (int r = 0; r < reduce->ranks; r++) {
            struct range slice = reduce_slice(reduce, b, r);
            for (int64_t i = 0; i < slice.count; i += REDUCE_BLOCK) {
                double squares = reduce->squares[reduce->cursors[r]++];
                if (slice.offset + i < reduce->params.norm_count) {
                    sum += squares;
                }
                /* Doubles hold the squares of all floats: only an element that is not finite makes it so. */
                if (!isfinite(squares) && *bad_block < 0) {
                    *bad_block = slice.offset + i;
                    *owner = r;
                }
            }
        }
    }
    return sum;
}

int64_t reduce_first_not_finite(const float *block)
{
    for (int i = 0; i < REDUCE_BLOCK; i++) {
        if (!isfinite(block[i])) {
            return i;
        }
    }
    assert(!"the sum of the block's squares is not finite");
    return 0;
}
