#include "cluster/comm.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/memory.h"
#include "cluster/mpi_try.h"

/* MPI counts are int, so what one call moves is capped; at this size a call's own cost no longer shows. */
static const size_t call_limit = (size_t)64 << 20;

struct comm {
    MPI_Comm world; /* MPI_COMM_NULL: a stand-in */
    MPI_Comm last;  /* for comm_all_arrive(), whose messages must not meet those of a rank that is still at work */
    int rank, size;
    int local_rank, local_size;
    int *counts; /* a rank: room for the arguments of MPI_Allgatherv */
    int *displacements;
};

enum status mpi_check(int code, const char *call, const char *file, int line)
{
    if (code == MPI_SUCCESS) {
        return STATUS_OK;
    }
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) {
        snprintf(text, sizeof text, "error code %d", code);
    }
    return status_record(STATUS_FAILED, file, line, "%.*s: %s", (int)strcspn(call, "("), call, text);
}

MPI_Comm comm_handle(const struct comm *comm)
{
    return comm->world;
}

/*
 * Open MPI moves large messages between the ranks of a host with process_vm_readv. Some containers forbid that call,
 * and the job then hangs at the first large message; so try it ahead of MPI_Init, on our own memory. What the user
 * has set stays.
 */
static void avoid_forbidden_single_copy(void)
{
    char from = 1, to = 0;
    struct iovec local = {&to, 1}, remote = {&from, 1};
    if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != 1) {
        setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
    }
}

/* A launcher that MPI does not understand starts N jobs of one rank that overwrite each other's files. */
static enum status check_launcher(int size)
{
    static const char *const names[] = {"SLURM_STEP_NUM_TASKS", "PMI_SIZE"};

    if (size > 1 || getenv("OMPI_COMM_WORLD_SIZE") != NULL) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && strtol(value, NULL, 10) > 1) {
            return fail(STATUS_BAD_INPUT,
                        "the launcher started %s processes (%s), but MPI sees a job of one rank in each: start the job "
                        "with the mpirun of the MPI this program is built with, or with srun --mpi=pmix; for one rank "
                        "on its own, unset %s",
                        value, names[i], names[i]);
        }
    }
    return STATUS_OK;
}

static enum status find_local_rank(struct comm *comm)
{
    MPI_Comm host;
    TRY(mpi_try(MPI_Comm_split_type(comm->world, MPI_COMM_TYPE_SHARED, comm->rank, MPI_INFO_NULL, &host)));
    enum status status = STATUS_OK;
    TRY_OUT(mpi_try(MPI_Comm_rank(host, &comm->local_rank)));
    TRY_OUT(mpi_try(MPI_Comm_size(host, &comm->local_size)));
out:
    MPI_Comm_free(&host);
    return status;
}

static enum status start(struct comm *comm)
{
    int provided;
    avoid_forbidden_single_copy();
    TRY(mpi_try(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided)));
    if (provided < MPI_THREAD_FUNNELED) {
        return fail(STATUS_FAILED, "this MPI library does not work in a program with threads (it offers level %d)",
                    provided);
    }
    comm->world = MPI_COMM_WORLD;
    TRY(mpi_try(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN)));
    TRY(mpi_try(MPI_Comm_dup(MPI_COMM_WORLD, &comm->last)));
    TRY(mpi_try(MPI_Comm_rank(comm->world, &comm->rank)));
    TRY(mpi_try(MPI_Comm_size(comm->world, &comm->size)));
    TRY(check_launcher(comm->size));
    TRY(find_local_rank(comm));
    TRY(memory_allocate((size_t)comm->size, sizeof *comm->counts, &comm->counts));
    return memory_allocate((size_t)comm->size, sizeof *comm->displacements, &comm->displacements);
}

static void release(struct comm *comm)
{
    free(comm->counts);
    free(comm->displacements);
    free(comm);
}

enum status comm_create(struct comm **created)
{
    struct comm *comm;
    TRY(memory_allocate(1, sizeof *comm, &comm));
    enum status status = start(comm);
    if (status != STATUS_OK) {
        /* Without MPI_Finalize, which would wait for the other ranks: the launcher ends them when this one exits. */
        release(comm);
        return status;
    }
    *created = comm;
    return STATUS_OK;
}

enum status comm_create_stand_in(int rank, int size, struct comm **created)
{
    struct comm *comm;
    TRY(memory_allocate(1, sizeof *comm, &comm));
    *comm = (struct comm){.world = MPI_COMM_NULL, .rank = rank, .size = size, .local_rank = rank, .local_size = size};
    *created = comm;
    return STATUS_OK;
}

void comm_destroy(struct comm *comm)
{
    if (comm != NULL) {
        if (!comm_is_stand_in(comm)) {
            MPI_Finalize();
        }
        release(comm);
    }
}

bool comm_is_stand_in(const struct comm *comm)
{
    return comm->world == MPI_COMM_NULL;
}

int comm_rank(const struct comm *comm)
{
    return comm->rank;
}

int comm_size(const struct comm *comm)
{
    return comm->size;
}

int comm_local_rank(const struct comm *comm)
{
    return comm->local_rank;
}

int comm_local_size(const struct comm *comm)
{
    return comm->local_size;
}

_Noreturn void comm_abort(struct comm *comm, int exit_code)
{
    fflush(NULL);
    if (comm_is_stand_in(comm)) {
        _exit(exit_code);
    }
    if (comm->size == 1) {
        MPI_Finalize(); /* nobody to take along; MPI_Abort would print a paragraph */
    } else {
        MPI_Abort(comm->world, exit_code);
    }
    _exit(exit_code);
}

bool comm_all_arrive(struct comm *comm, double seconds)
{
    enum { NAP_US = 1000 };
    MPI_Request request;
    int done = 0;
    if (MPI_Ibarrier(comm->last, &request) != MPI_SUCCESS) {
        return false;
    }
    for (double end = MPI_Wtime() + seconds; !done && MPI_Wtime() < end;) {
        if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
            return false;
        }
        if (!done) {
            usleep(NAP_US);
        }
    }
    return done != 0;
}

enum status comm_barrier(struct comm *comm)
{
    return comm_is_stand_in(comm) ? STATUS_OK : mpi_try(MPI_Barrier(comm->world));
}

enum status comm_max(struct comm *comm, int64_t value, int64_t *largest)
{
    *largest = value;
    return comm_is_stand_in(comm) ? STATUS_OK
                                  : mpi_try(MPI_Allreduce(&value, largest, 1, MPI_INT64_T, MPI_MAX, comm->world));
}

enum status comm_broadcast(struct comm *comm, void *data, size_t size, int root)
{
    char *bytes = data;
    while (size > 0 && !comm_is_stand_in(comm)) {
        size_t part = size < call_limit ? size : call_limit;
        TRY(mpi_try(MPI_Bcast(bytes, (int)part, MPI_BYTE, root, comm->world)));
        bytes += part;
        size -= part;
    }
    return STATUS_OK;
}

enum status comm_gather_all(struct comm *comm, const void *mine, const int64_t *sizes, void *all)
{
    char *bytes = all;
    size_t total = 0, place = 0;
    for (int r = 0; r < comm->size; r++) {
        assert(sizes[r] >= 0);
        place = r == comm->rank ? total : place;
        total += (size_t)sizes[r];
    }
    if (sizes[comm->rank] > 0 && mine != bytes + place) {
        memmove(bytes + place, mine, (size_t)sizes[comm->rank]);
    }
    if (comm_is_stand_in(comm)) {
        return STATUS_OK;
    }
    if (total > call_limit) {
        /* Displacements are int too: rank by rank. */
        for (int r = 0; r < comm->size; r++) {
            TRY(comm_broadcast(comm, bytes, (size_t)sizes[r], r));
            bytes += sizes[r];
        }
        return STATUS_OK;
    }
    for (int r = 0, next = 0; r < comm->size; r++) {
        comm->counts[r] = (int)sizes[r];
        comm->displacements[r] = next;
        next += comm->counts[r];
    }
    return mpi_try(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, comm->counts, comm->displacements, MPI_BYTE,
                                  comm->world));
}
