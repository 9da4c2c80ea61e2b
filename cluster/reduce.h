/*
 * Sums of gradients over the ranks, bucket by bucket, while the backward pass still runs.
 *
 * The flat gradient buffer has one copy a piece (base/shards.h): piece p of this rank at gradients + p * flat_count.
 * The buffer is cut into buckets; each bucket into one slice a rank (boundaries at multiples of REDUCE_BLOCK floats,
 * the same formula on all ranks; a slice may be empty). REDUCE_TREE: every rank sends its pieces of slice r to rank r,
 * which adds them in tree order into piece 0 of its own buffer; later the owners' parameters go to all. Both are
 * persistent point-to-point messages: their requests, like the staging memory, are made once, so nothing is allocated
 * after reduce_create(), and they are no slower than MPI_Ialltoallv and MPI_Iallgatherv.
 * REDUCE_ALLREDUCE: this rank's pieces are added in ascending order and summed by MPI_Iallreduce, order left to MPI;
 * every rank owns everything. On one rank both modes are the same, and nothing is sent.
 */
#ifndef CLUSTER_REDUCE_H
#define CLUSTER_REDUCE_H

#include <stdint.h>

#include "base/shards.h"
#include "base/status.h"
#include "cluster/comm.h"

/*
 * Squares are summed in double precision, in an order that no number of ranks changes: a block of REDUCE_BLOCK floats
 * has REDUCE_LANES sums (lane l takes the elements l, l + REDUCE_LANES, ...), added from lane 0 up; then the blocks are
 * added from the first to the last. What does not enter the norm counts as zeros.
 */
enum { REDUCE_BLOCK = 1024, REDUCE_LANES = 8, REDUCE_UNIT = 64 };

/* Messages are told apart by tags, and this many every MPI has. */
enum { REDUCE_MAX_BUCKETS = 32767 };

enum reduce_mode { REDUCE_TREE, REDUCE_ALLREDUCE };

struct range {
    int64_t offset; /* floats from the start of the flat buffer */
    int64_t count;
};

struct reduce_params {
    struct comm *comm; /* must outlive the reduce */
    enum reduce_mode mode;
    int shards;         /* of the global batch */
    int piece_limit;    /* leaves a piece has at most: the limit given to shards_pieces() on every rank */
    int64_t flat_count; /* a multiple of REDUCE_BLOCK */
    int64_t norm_count; /* a multiple of REDUCE_BLOCK: elements from here on (running statistics) are checked
                           for finiteness, and do not enter the norm */
    /* One byte a REDUCE_UNIT floats, 1 where they do not enter the norm either; NULL: all do. The caller's. */
    const uint8_t *frozen;
    const struct range *buckets; /* cover [0, flat_count) in order; boundaries are multiples of REDUCE_BLOCK */
    int bucket_count;
    float *gradients; /* pieces x flat_count, the caller's */
    float *values;    /* flat_count: the parameters, the caller's */
};

struct reduce;

/* `buckets` is copied; `gradients` and `values` must stay where they are until reduce_destroy(). */
enum status reduce_create(const struct reduce_params *params, struct reduce **reduce) MUST_CHECK;
/* Talks to nobody, so a rank may call it on its way out of a failure; with sums in flight it keeps their memory. */
void reduce_destroy(struct reduce *reduce);

/* The pieces of this rank, in the order of their copies in `gradients`. */
int reduce_pieces(const struct reduce *reduce, const struct piece **pieces);
/* The part of bucket `bucket` that this rank owns; its count may be 0. */
struct range reduce_owned(const struct reduce *reduce, int bucket);

/* The same before there is a reduce: what rank `rank` of `ranks` will own of a bucket. */
struct range reduce_share(enum reduce_mode mode, struct range bucket, int rank, int ranks);

/* Bucket `bucket` is complete in every piece: begin its sum. All ranks begin the buckets in the same order. */
enum status reduce_begin(struct reduce *reduce, int bucket) MUST_CHECK;
/* Moves MPI along and adds what has arrived; call about every millisecond while waiting for the device. */
enum status reduce_progress(struct reduce *reduce) MUST_CHECK;
/* Whether there is anything to move along. */
bool reduce_under_way(const struct reduce *reduce);

struct reduce_result {
    double squared_norm;      /* of the summed gradients, over all ranks; the same bits everywhere. Not finite where an
                                 element ahead of norm_count is not */
    int64_t first_not_finite; /* the first element of the flat buffer that is not finite, or -1; equal on all ranks */
};

/*
 * Waits for all buckets. The sums then lie in piece 0 at the owned ranges. Norm and finite check come from all ranks.
 */
enum status reduce_finish(struct reduce *reduce, struct reduce_result *result) MUST_CHECK;
/* After the update: every rank's owned range of `values` to all ranks. No communication in REDUCE_ALLREDUCE. */
enum status reduce_gather(struct reduce *reduce) MUST_CHECK;
/*
 * For saves: the owned ranges of `slice` (laid out like the flat buffer, valid at the owned ranges) from all ranks into
 * `whole` on rank 0 (flat_count floats; may equal `slice` there; NULL elsewhere).
 */
enum status reduce_collect(struct reduce *reduce, const float *slice, float *whole) MUST_CHECK;

/*
 * Seconds that reduce_finish() and reduce_gather() waited for communication since the last call of this function: its
 * exposed time. The sums that this rank forms meanwhile do not count.
 */
double reduce_exposed_seconds(struct reduce *reduce);
/* Seconds that this rank spent adding pieces and squaring sums since the reduce was made. */
double reduce_sum_seconds(const struct reduce *reduce);

#endif
