/* The border to MPI, for the files of this folder alone: return codes become statuses with MPI's own text. */
#ifndef CLUSTER_MPI_TRY_H
#define CLUSTER_MPI_TRY_H

#include <mpi.h>

#include "cluster/comm.h"

/* The enum status of an MPI call: TRY(mpi_try(MPI_Barrier(world))). */
#define mpi_try(call) mpi_check((call), #call, __FILE__, __LINE__)

/* `call` is the call's source text; its name goes into the message. */
enum status mpi_check(int code, const char *call, const char *file, int line) MUST_CHECK;

/* All ranks of the job. */
MPI_Comm comm_handle(const struct comm *comm);

#endif
