/*
 * How long the sums of a step take: `mpirun -n RANKS reduce_bench [MEGABYTES [BUCKETS [SHARDS]]]`. The times are the
 * medians of rank 0 over some steps in which all buckets begin at once, so nothing hides behind a backward pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "cluster/reduce.h"

enum { STEPS = 21, MAX_BUCKETS = 256 };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static enum status time_mode(const struct reduce_params *params, double sums[STEPS], double gathers[STEPS])
{
    struct reduce *reduce;
    struct reduce_result result;
    TRY(reduce_create(params, &reduce));
    enum status status = STATUS_OK;
    for (int step = 0; step < STEPS; step++) {
        TRY_OUT(comm_barrier(params->comm));
        double started = now();
        for (int b = 0; b < params->bucket_count; b++) {
            TRY_OUT(reduce_begin(reduce, b));
            TRY_OUT(reduce_progress(reduce));
        }
        TRY_OUT(reduce_finish(reduce, &result));
        sums[step] = now() - started;
        started = now();
        TRY_OUT(reduce_gather(reduce));
        gathers[step] = now() - started;
    }
out:
    reduce_destroy(reduce);
    return status;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double times[STEPS])
{
    qsort(times, STEPS, sizeof *times, compare);
    return times[STEPS / 2];
}

static enum status measure(struct reduce_params *params)
{
    double sums[STEPS], gathers[STEPS], allreduces[STEPS], none[STEPS];
    params->mode = REDUCE_TREE;
    TRY(time_mode(params, sums, gathers));
    params->mode = REDUCE_ALLREDUCE;
    TRY(time_mode(params, allreduces, none));
    if (comm_rank(params->comm) == 0) {
        printf("%d ranks, %d shards, %d buckets, %.1f MB: tree sum %.1f ms, gather %.1f ms; allreduce %.1f ms\n",
               comm_size(params->comm), params->shards, params->bucket_count, (double)params->flat_count * 4e-6,
               median(sums), median(gathers), median(allreduces));
    }
    return STATUS_OK;
}

static enum status bench(struct comm *comm, double megabytes, int bucket_count, int shards)
{
    struct range buckets[MAX_BUCKETS];
    int64_t blocks = (int64_t)(megabytes * 1e6 / (REDUCE_BLOCK * sizeof(float)));
    struct reduce_params params = {
        .comm = comm,
        .shards = shards,
        .piece_limit = PIECE_MAX_SHARDS,
        .flat_count = blocks * REDUCE_BLOCK,
        .norm_count = blocks * REDUCE_BLOCK,
        .buckets = buckets,
        .bucket_count = bucket_count,
    };
    for (int b = 0; b < bucket_count; b++) {
        int64_t first = blocks * b / bucket_count, end = blocks * (b + 1) / bucket_count;
        buckets[b] = (struct range){first * REDUCE_BLOCK, (end - first) * REDUCE_BLOCK};
    }
    int rank = comm_rank(comm), ranks = comm_size(comm);
    int first = shards_first(shards, rank, ranks), end = shards_first(shards, rank + 1, ranks);
    int pieces = shards_pieces(shards, first, end - first, params.piece_limit, NULL, 0);
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate_touched((size_t)(params.flat_count * pieces), sizeof(float), &params.gradients));
    TRY_OUT(memory_allocate_touched((size_t)params.flat_count, sizeof(float), &params.values));
    status = measure(&params);
out:
    free(params.gradients);
    free(params.values);
    return status;
}

int main(int argument_count, char **arguments)
{
    struct comm *comm;
    double megabytes = argument_count > 1 ? strtod(arguments[1], NULL) : 44.7;
    int buckets = argument_count > 2 ? atoi(arguments[2]) : 8;
    int shards = argument_count > 3 ? atoi(arguments[3]) : 8;
    if (comm_create(&comm) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 1;
    }
    if (buckets < 1 || buckets > MAX_BUCKETS || shards < comm_size(comm)) {
        fprintf(stderr, "1 to %d buckets, and no fewer shards than ranks\n", MAX_BUCKETS);
        comm_abort(comm, 2);
    }
    if (bench(comm, megabytes, buckets, shards) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        comm_abort(comm, 1);
    }
    comm_destroy(comm);
    return 0;
}
