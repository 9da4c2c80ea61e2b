/* What reduce makes once: slices, requests and memory. */
#include "cluster/reduce_private.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/memory.h"

/* Slice `rank` of a bucket that `ranks` share: the formula that all ranks use. */
static struct range cut_slice(struct range range, int rank, int ranks)
{
    int64_t blocks = range.count / REDUCE_BLOCK;
    int64_t first = blocks * rank / ranks;
    int64_t end = blocks * (rank + 1) / ranks;
    return (struct range){range.offset + first * REDUCE_BLOCK, (end - first) * REDUCE_BLOCK};
}

struct range reduce_slice(const struct reduce *reduce, int bucket, int rank)
{
    return cut_slice(reduce->buckets[bucket].range, rank, reduce->ranks);
}

struct range reduce_share(enum reduce_mode mode, struct range bucket, int rank, int ranks)
{
    return mode == REDUCE_TREE ? cut_slice(bucket, rank, ranks) : bucket;
}

static void check_params(const struct reduce_params *params, int ranks)
{
    assert(ranks <= params->shards);
    assert(params->flat_count % REDUCE_BLOCK == 0 && params->norm_count % REDUCE_BLOCK == 0);
    int64_t next = 0;
    for (int b = 0; b < params->bucket_count; b++) {
        assert(params->buckets[b].offset == next && params->buckets[b].count % REDUCE_BLOCK == 0);
        next += params->buckets[b].count;
    }
    assert(next == params->flat_count);
    assert(params->bucket_count <= REDUCE_MAX_BUCKETS);
}

/* Pieces of rank `rank`: how many, and with a capacity which. */
static int pieces_of(const struct reduce *reduce, int rank, struct piece *pieces, int capacity)
{
    int first = shards_first(reduce->params.shards, rank, reduce->ranks);
    int end = shards_first(reduce->params.shards, rank + 1, reduce->ranks);
    return shards_pieces(reduce->params.shards, first, end - first, reduce->params.piece_limit, pieces, capacity);
}

static enum status make_pieces(struct reduce *reduce)
{
    for (int r = 0; r < reduce->ranks; r++) {
        reduce->piece_count += pieces_of(reduce, r, NULL, 0);
    }
    TRY(memory_allocate((size_t)reduce->piece_count, sizeof *reduce->pieces, &reduce->pieces));
    TRY(memory_allocate((size_t)reduce->piece_count, sizeof *reduce->sources, &reduce->sources));
    int next = 0;
    for (int r = 0; r < reduce->ranks; r++) {
        int count = pieces_of(reduce, r, reduce->pieces + next, reduce->piece_count - next);
        if (r == reduce->rank) {
            reduce->own_first = next;
            reduce->own_count = count;
        }
        next += count;
    }
    return STATUS_OK;
}

/* Counts, offsets and memory of the block sums. */
static enum status make_squares(struct reduce *reduce)
{
    size_t ranks = (size_t)reduce->ranks;
    TRY(memory_allocate(ranks, sizeof *reduce->square_counts, &reduce->square_counts));
    TRY(memory_allocate(ranks, sizeof *reduce->square_offsets, &reduce->square_offsets));
    TRY(memory_allocate(ranks, sizeof *reduce->cursors, &reduce->cursors));
    TRY(memory_allocate(ranks, sizeof *reduce->displacements, &reduce->displacements));
    int64_t blocks = reduce->params.flat_count / REDUCE_BLOCK;
    TRY(memory_allocate_touched((size_t)blocks, sizeof *reduce->squares, &reduce->squares));
    int offset = 0;
    for (int r = 0; r < reduce->ranks; r++) {
        reduce->square_offsets[r] = offset;
        for (int b = 0; b < reduce->params.bucket_count; b++) {
            reduce->square_counts[r] += (int)(reduce_slice(reduce, b, r).count / REDUCE_BLOCK);
        }
        offset += reduce->square_counts[r];
    }
    double *next = reduce->squares + reduce->square_offsets[reduce->rank];
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        reduce->buckets[b].squares = next;
        next += reduce->buckets[b].slice.count / REDUCE_BLOCK;
    }
    return STATUS_OK;
}

static enum status make_staging(struct reduce *reduce)
{
    int64_t copies = reduce->piece_count - reduce->own_count;
    int64_t owned = (int64_t)reduce->square_counts[reduce->rank] * REDUCE_BLOCK;
    TRY(memory_allocate_touched((size_t)(copies * owned), sizeof *reduce->staging, &reduce->staging));
    int64_t next = 0;
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        reduce->buckets[b].staging = reduce->staging + next;
        next += copies * reduce->buckets[b].slice.count;
    }
    return STATUS_OK;
}

/* A persistent message of `range.count` floats. */
static enum status make_request(struct reduce *reduce, bool send, float *data, int64_t count, int peer, int tag,
                                MPI_Request *request)
{
    MPI_Comm world = comm_handle(reduce->params.comm);
    int blocks = (int)(count / REDUCE_BLOCK);
    if (send) {
        return mpi_try(MPI_Send_init(data, blocks, reduce->block, peer, tag, world, request));
    }
    return mpi_try(MPI_Recv_init(data, blocks, reduce->block, peer, tag, world, request));
}

/*
 * The messages of a bucket's sum. Tags tell the pieces of one sender apart; buckets need none, as all ranks begin them
 * in the same order and MPI keeps the order of messages of one tag.
 */
static enum status make_bucket_requests(struct reduce *reduce, int b)
{
    struct bucket *bucket = &reduce->buckets[b];
    bucket->first_request = reduce->sum_request_count;
    float *arrived = bucket->staging;
    for (int r = 0; r < reduce->ranks && bucket->slice.count > 0; r++) {
        int count = r == reduce->rank ? 0 : pieces_of(reduce, r, NULL, 0);
        for (int p = 0; p < count; p++) {
            TRY(make_request(reduce, false, arrived, bucket->slice.count, r, p,
                             &reduce->sum_requests[reduce->sum_request_count]));
            reduce->sum_request_count++;
            bucket->receive_count++;
            arrived += bucket->slice.count;
        }
    }
    /* Beginning behind itself, each rank at another peer. */
    for (int step = 1; step < reduce->ranks; step++) {
        int peer = (reduce->rank + step) % reduce->ranks;
        struct range slice = reduce_slice(reduce, b, peer);
        for (int p = 0; p < reduce->own_count && slice.count > 0; p++) {
            float *piece = reduce->params.gradients + p * reduce->params.flat_count + slice.offset;
            TRY(make_request(reduce, true, piece, slice.count, peer, p,
                             &reduce->sum_requests[reduce->sum_request_count]));
            reduce->sum_request_count++;
            bucket->send_count++;
        }
    }
    return STATUS_OK;
}

/* The messages that take the updated parameters to all; the bucket is the tag. */
static enum status make_gather_requests(struct reduce *reduce, int b)
{
    float *values = reduce->params.values;
    for (int step = 1; step < reduce->ranks; step++) {
        int from = (reduce->rank + reduce->ranks - step) % reduce->ranks;
        struct range theirs = reduce_slice(reduce, b, from);
        if (theirs.count > 0) {
            TRY(make_request(reduce, false, values + theirs.offset, theirs.count, from, b,
                             &reduce->gather_requests[reduce->gather_request_count]));
            reduce->gather_request_count++;
        }
    }
    struct range mine = reduce->buckets[b].slice;
    for (int step = 1; step < reduce->ranks && mine.count > 0; step++) {
        int to = (reduce->rank + step) % reduce->ranks;
        TRY(make_request(reduce, true, values + mine.offset, mine.count, to, b,
                         &reduce->gather_requests[reduce->gather_request_count]));
        reduce->gather_request_count++;
    }
    return STATUS_OK;
}

static enum status make_tree_requests(struct reduce *reduce)
{
    size_t buckets = (size_t)reduce->params.bucket_count, peers = (size_t)reduce->ranks - 1;
    size_t receives = (size_t)(reduce->piece_count - reduce->own_count);
    size_t sum_capacity = buckets * (receives + peers * (size_t)reduce->own_count);
    TRY(memory_allocate(sum_capacity, sizeof *reduce->sum_requests, &reduce->sum_requests));
    TRY(memory_allocate(buckets * 2 * peers, sizeof *reduce->gather_requests, &reduce->gather_requests));
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        TRY(make_bucket_requests(reduce, b));
        TRY(make_gather_requests(reduce, b));
    }
    return STATUS_OK;
}

/* The requests themselves are made by MPI_Iallreduce: Open MPI 4 has no persistent collectives. */
static enum status make_allreduce_requests(struct reduce *reduce)
{
    size_t buckets = (size_t)reduce->params.bucket_count;
    TRY(memory_allocate(buckets, sizeof *reduce->sum_requests, &reduce->sum_requests));
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        struct bucket *bucket = &reduce->buckets[b];
        if (bucket->range.count > INT_MAX) {
            return fail(STATUS_BAD_INPUT,
                        "a bucket of %lld gradients is more than one MPI_Iallreduce can count (%d): use smaller "
                        "buckets or cluster.reduce = tree",
                        (long long)bucket->range.count, INT_MAX);
        }
        bucket->first_request = reduce->sum_request_count++;
        bucket->receive_count = 1;
        reduce->sum_requests[bucket->first_request] = MPI_REQUEST_NULL;
    }
    return STATUS_OK;
}

static enum status make_all(struct reduce *reduce)
{
    const struct reduce_params *params = &reduce->params;
    check_params(params, reduce->ranks);
    size_t buckets = (size_t)params->bucket_count;
    TRY(memory_allocate(buckets, sizeof *reduce->buckets, &reduce->buckets));
    for (int b = 0; b < params->bucket_count; b++) {
        reduce->buckets[b].range = params->buckets[b];
        reduce->buckets[b].slice = reduce_slice(reduce, b, reduce->rank);
    }
    reduce->params.buckets = NULL; /* the caller's */
    TRY(mpi_try(MPI_Type_contiguous(REDUCE_BLOCK, MPI_FLOAT, &reduce->block)));
    TRY(mpi_try(MPI_Type_commit(&reduce->block)));
    TRY(make_pieces(reduce));
    TRY(make_squares(reduce));
    if (!reduce->tree) {
        return make_allreduce_requests(reduce);
    }
    TRY(make_staging(reduce));
    return make_tree_requests(reduce);
}

enum status reduce_create(const struct reduce_params *params, struct reduce **created)
{
    struct reduce *reduce;
    TRY(memory_allocate(1, sizeof *reduce, &reduce));
    reduce->params = *params;
    reduce->rank = comm_rank(params->comm);
    reduce->ranks = comm_size(params->comm);
    reduce->tree = params->mode == REDUCE_TREE || reduce->ranks == 1;
    reduce->block = MPI_DATATYPE_NULL;
    enum status status = make_all(reduce);
    if (status != STATUS_OK) {
        reduce_destroy(reduce);
        return status;
    }
    *created = reduce;
    return STATUS_OK;
}

/* Those of MPI_Iallreduce are null unless they are running. */
static void free_requests(MPI_Request *requests, int count)
{
    for (int i = 0; i < count; i++) {
        if (requests[i] != MPI_REQUEST_NULL) {
            MPI_Request_free(&requests[i]);
        }
    }
    free(requests);
}

void reduce_destroy(struct reduce *reduce)
{
    if (reduce == NULL) {
        return;
    }
    if (reduce->begun > 0 || reduce->gathering) {
        /* A failure on the way: MPI may still write into this memory, and the job is about to be aborted. */
        return;
    }
    free_requests(reduce->sum_requests, reduce->sum_request_count);
    free_requests(reduce->gather_requests, reduce->gather_request_count);
    if (reduce->block != MPI_DATATYPE_NULL) {
        MPI_Type_free(&reduce->block);
    }
    free(reduce->buckets);
    free(reduce->pieces);
    free(reduce->sources);
    free(reduce->staging);
    free(reduce->squares);
    free(reduce->square_counts);
    free(reduce->square_offsets);
    free(reduce->cursors);
    free(reduce->displacements);
    free(reduce);
}
