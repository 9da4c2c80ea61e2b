/*
 * The ranks of a job, over MPI. Every call that talks is collective: all ranks make it in the same order. Without
 * mpirun a job is one rank, and everything works the same. This folder sees float * and counts; it knows no layer.
 */
#ifndef CLUSTER_COMM_H
#define CLUSTER_COMM_H

#include <stdint.h>

#include "base/digest.h"
#include "base/status.h"

struct comm;

/*
 * Initialises MPI. Call after the signal handlers of cluster/stop.h are installed (SIGUSR1 kills a rank without one).
 * Also finds the rank among those of this host, which picks its device. Where it fails, the process must exit with an
 * error code, which ends the other ranks.
 */
enum status comm_create(struct comm **comm) MUST_CHECK;
/*
 * Stands in for rank `rank` of `size`, all on one host, in plans that run nothing: without MPI, and talking to nobody.
 * Agreement is taken for granted, and every collective call gives back what this rank put in.
 */
enum status comm_create_stand_in(int rank, int size, struct comm **comm) MUST_CHECK;
/* Finalises MPI. Only on the way out of a job that succeeded on all ranks; else comm_abort(). */
void comm_destroy(struct comm *comm);

bool comm_is_stand_in(const struct comm *comm);
int comm_rank(const struct comm *comm);
int comm_size(const struct comm *comm);
int comm_local_rank(const struct comm *comm); /* among the ranks of this host */
int comm_local_size(const struct comm *comm);

/*
 * Ends the job at once, on all ranks, with this exit code. The caller has printed its message. Does not return. Best
 * called before memory that MPI may still read or write is released.
 */
_Noreturn void comm_abort(struct comm *comm, int exit_code);

/*
 * Whether all ranks call this within about `seconds`: for a rank that failed, to find out whether the others failed
 * likewise. False at the latest then, and where messages do not get through. Once in a job.
 */
bool comm_all_arrive(struct comm *comm, double seconds);

enum status comm_barrier(struct comm *comm) MUST_CHECK;
/* The largest value of all ranks, to all. */
enum status comm_max(struct comm *comm, int64_t value, int64_t *largest) MUST_CHECK;
enum status comm_broadcast(struct comm *comm, void *data, size_t size, int root) MUST_CHECK;
/* Rank r's `sizes[r]` bytes (equal on all ranks) to all, in rank order. `mine` may lie at its place in `all`. */
enum status comm_gather_all(struct comm *comm, const void *mine, const int64_t *sizes, void *all) MUST_CHECK;

/*
 * Agreement at the start: each field is a name and a text (a config line, a version, a digest). Where ranks differ, all
 * return STATUS_BAD_INPUT with the first differing field, its values and the ranks, the same message everywhere.
 */
struct agreement {
    const char *field;
    const char *value;
};
enum status comm_agree(struct comm *comm, const struct agreement *fields, size_t count) MUST_CHECK;

#endif
