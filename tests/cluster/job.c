/*
 * A job that ends in the way its argument names; tests/cluster/job_end.sh looks at what mpirun then returns.
 *   abort    the last rank fails while the others wait for it
 *   flight   the same with sums in flight, and with everything released ahead of the end
 *   signal   all ranks run until a signal asks them to stop, and exit with 85
 *   alone    one rank, for what comm_create() says
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "cluster/comm.h"
#include "cluster/reduce.h"
#include "cluster/stop.h"

enum { FAILURE_CODE = 7, BLOCKS = 4096 };

static enum status wait_for_others(struct comm *comm)
{
    if (comm_rank(comm) == comm_size(comm) - 1) {
        return fail(STATUS_FAILED, "the device is lost");
    }
    return comm_barrier(comm);
}

static enum status lose_sums(struct comm *comm)
{
    float *gradients = NULL, *values = NULL;
    struct reduce *reduce = NULL;
    int64_t count = (int64_t)BLOCKS * REDUCE_BLOCK;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)count * PIECE_MAX_SHARDS, sizeof *gradients, &gradients));
    TRY_OUT(memory_allocate((size_t)count, sizeof *values, &values));
    struct range buckets[] = {{0, count / 2}, {count / 2, count / 2}};
    struct reduce_params params = {
        .comm = comm,
        .shards = 8,
        .piece_limit = PIECE_MAX_SHARDS,
        .flat_count = count,
        .norm_count = count,
        .buckets = buckets,
        .bucket_count = COUNT_OF(buckets),
        .gradients = gradients,
        .values = values,
    };
    TRY_OUT(reduce_create(&params, &reduce));
    TRY_OUT(reduce_begin(reduce, 1));
    TRY_OUT(wait_for_others(comm));
out:
    reduce_destroy(reduce);
    free(values);
    free(gradients);
    return status;
}

static enum status run_until_signal(struct comm *comm)
{
    int64_t stop = 0;
    TRY(comm_barrier(comm));
    if (comm_rank(comm) == 0) {
        puts("ready");
        fflush(stdout);
    }
    while (stop == 0) {
        usleep(1000);
        TRY(comm_max(comm, stop_requested(), &stop));
    }
    return fail(STATUS_STOPPED, "stopped");
}

int main(int argument_count, char **arguments)
{
    const char *way = argument_count == 2 ? arguments[1] : "";
    struct comm *comm;
    if (stop_install() != STATUS_OK || comm_create(&comm) != STATUS_OK) {
        log_error("%s", status_message());
        return 2;
    }
    log_set_rank(comm_rank(comm), comm_size(comm));
    enum status status = STATUS_OK;
    if (strcmp(way, "abort") == 0) {
        status = wait_for_others(comm);
    } else if (strcmp(way, "flight") == 0) {
        status = lose_sums(comm);
    } else if (strcmp(way, "signal") == 0) {
        status = run_until_signal(comm);
    }
    if (status != STATUS_OK && status != STATUS_STOPPED) {
        log_error("%s", status_message());
        comm_abort(comm, FAILURE_CODE);
    }
    comm_destroy(comm);
    return status_exit_code(status);
}
