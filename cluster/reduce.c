/* The life of a step's sums: begin, progress, finish, gather. Arithmetic and setup have files of their own. */
#include "cluster/reduce.h"

#include <assert.h>
#include <string.h>

#include "cluster/reduce_private.h"

int reduce_pieces(const struct reduce *reduce, const struct piece **pieces)
{
    *pieces = reduce->pieces + reduce->own_first;
    return reduce->own_count;
}

struct range reduce_owned(const struct reduce *reduce, int bucket)
{
    return reduce->tree ? reduce->buckets[bucket].slice : reduce->buckets[bucket].range;
}

enum status reduce_begin(struct reduce *reduce, int b)
{
    assert(b >= 0 && b < reduce->params.bucket_count);
    struct bucket *bucket = &reduce->buckets[b];
    assert(bucket->state == BUCKET_IDLE);
    bucket->state = BUCKET_IN_FLIGHT;
    reduce->begun++;
    MPI_Request *requests = reduce->sum_requests + bucket->first_request;
    if (reduce->tree) {
        int count = bucket->receive_count + bucket->send_count;
        return count > 0 ? mpi_try(MPI_Startall(count, requests)) : STATUS_OK;
    }
    reduce_fold_pieces(reduce, bucket);
    return mpi_try(MPI_Iallreduce(MPI_IN_PLACE, reduce->params.gradients + bucket->range.offset,
                                  (int)bucket->range.count, MPI_FLOAT, MPI_SUM, comm_handle(reduce->params.comm),
                                  requests));
}

static enum status all_complete(MPI_Request *requests, int count, bool *complete)
{
    int flag = 1;
    if (count > 0) {
        TRY(mpi_try(MPI_Testall(count, requests, &flag, MPI_STATUSES_IGNORE)));
    }
    *complete = flag != 0;
    return STATUS_OK;
}

static enum status progress_bucket(struct reduce *reduce, struct bucket *bucket)
{
    MPI_Request *requests = reduce->sum_requests + bucket->first_request;
    bool complete;
    if (bucket->state == BUCKET_IN_FLIGHT) {
        TRY(all_complete(requests, bucket->receive_count, &complete));
        if (!complete) {
            return STATUS_OK;
        }
        reduce_sum_slice(reduce, bucket);
        bucket->state = BUCKET_SUMMED;
    }
    /* A rank that has all it needs must still move its messages along, or the others wait. */
    TRY(all_complete(requests + bucket->receive_count, bucket->send_count, &complete));
    if (complete) {
        bucket->state = BUCKET_DONE;
        reduce->done++;
    }
    return STATUS_OK;
}

enum status reduce_progress(struct reduce *reduce)
{
    for (int b = 0; b < reduce->params.bucket_count && reduce->done < reduce->begun; b++) {
        struct bucket *bucket = &reduce->buckets[b];
        if (bucket->state == BUCKET_IN_FLIGHT || bucket->state == BUCKET_SUMMED) {
            TRY(progress_bucket(reduce, bucket));
        }
    }
    return STATUS_OK;
}

bool reduce_under_way(const struct reduce *reduce)
{
    return reduce->done < reduce->begun;
}

/* Until every slice is summed and every message of this rank is out. */
static enum status wait_for_sums(struct reduce *reduce)
{
    assert(reduce->begun == reduce->params.bucket_count);
    double started = MPI_Wtime() - reduce->sum_seconds;
    while (reduce->done < reduce->begun) {
        TRY(reduce_progress(reduce));
    }
    reduce->exposed_seconds += MPI_Wtime() - reduce->sum_seconds - started;
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        reduce->buckets[b].state = BUCKET_IDLE;
    }
    reduce->begun = 0;
    reduce->done = 0;
    return STATUS_OK;
}

enum status reduce_finish(struct reduce *reduce, struct reduce_result *result)
{
    TRY(wait_for_sums(reduce));
    double started = MPI_Wtime();
    if (reduce->ranks > 1) {
        TRY(mpi_try(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, reduce->squares, reduce->square_counts,
                                   reduce->square_offsets, MPI_DOUBLE, comm_handle(reduce->params.comm))));
    }
    reduce->exposed_seconds += MPI_Wtime() - started;
    int64_t bad_block;
    int owner = 0;
    result->squared_norm = reduce_add_squares(reduce, &bad_block, &owner);
    result->first_not_finite = bad_block;
    if (bad_block >= 0) {
        /* All ranks know the block and its owner; the owner has the elements. */
        if (owner == reduce->rank) {
            result->first_not_finite += reduce_first_not_finite(reduce->params.gradients + bad_block);
        }
        TRY(comm_broadcast(reduce->params.comm, &result->first_not_finite, sizeof result->first_not_finite, owner));
    }
    return STATUS_OK;
}

enum status reduce_gather(struct reduce *reduce)
{
    if (reduce->gather_request_count == 0) {
        return STATUS_OK;
    }
    double started = MPI_Wtime();
    reduce->gathering = true;
    TRY(mpi_try(MPI_Startall(reduce->gather_request_count, reduce->gather_requests)));
    TRY(mpi_try(MPI_Waitall(reduce->gather_request_count, reduce->gather_requests, MPI_STATUSES_IGNORE)));
    reduce->gathering = false;
    reduce->exposed_seconds += MPI_Wtime() - started;
    return STATUS_OK;
}

/* One bucket's slices to their places on rank 0. */
static enum status collect_bucket(struct reduce *reduce, int b, const float *slice, float *whole)
{
    struct range range = reduce->buckets[b].range, mine = reduce->buckets[b].slice;
    for (int r = 0; r < reduce->ranks; r++) {
        struct range theirs = reduce_slice(reduce, b, r);
        reduce->cursors[r] = (int)(theirs.count / REDUCE_BLOCK);
        reduce->displacements[r] = (int)((theirs.offset - range.offset) / REDUCE_BLOCK);
    }
    bool in_place = reduce->rank == 0 && slice == whole;
    return mpi_try(MPI_Gatherv(in_place ? MPI_IN_PLACE : slice + mine.offset, (int)(mine.count / REDUCE_BLOCK),
                               reduce->block, reduce->rank == 0 ? whole + range.offset : NULL, reduce->cursors,
                               reduce->displacements, reduce->block, 0, comm_handle(reduce->params.comm)));
}

enum status reduce_collect(struct reduce *reduce, const float *slice, float *whole)
{
    if (!reduce->tree || reduce->ranks == 1) {
        if (reduce->rank == 0 && whole != slice) {
            memcpy(whole, slice, (size_t)reduce->params.flat_count * sizeof *whole);
        }
        return STATUS_OK;
    }
    for (int b = 0; b < reduce->params.bucket_count; b++) {
        TRY(collect_bucket(reduce, b, slice, whole));
    }
    return STATUS_OK;
}

double reduce_exposed_seconds(struct reduce *reduce)
{
    double seconds = reduce->exposed_seconds;
    reduce->exposed_seconds = 0;
    return seconds;
}

double reduce_sum_seconds(const struct reduce *reduce)
{
    return reduce->sum_seconds;
}
