/* The program: finds the command, lends it ranks where it wants them, and tells the one failure that ends a job. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cluster/stop.h"
#include "version.h"

const struct command *const commands[] = {
    &command_train, &command_eval,    &command_predict,  &command_show, &command_explain,
    &command_bench, &command_devices, &command_selftest, &command_help, NULL,
};

/* How long a rank that failed waits for the others to fail likewise, and then for rank 0 to end the job. */
static const double others_fail_seconds = 1;
enum { END_COMES_SECONDS = 10 };

/* A list of problems begins on a line of its own, so that editors find "file:line:". */
static void tell_failure(void)
{
    const char *message = status_message();
    fprintf(stderr, "lemnos: error:%c%s\n", strchr(message, '\n') != NULL ? '\n' : ' ', message);
}

/* Tells the failure once, whether all ranks share it (rank 0 speaks) or one has it alone, and ends the job. */
static _Noreturn void end_job(struct comm *comm, enum status status)
{
    bool shared = comm_size(comm) > 1 && comm_all_arrive(comm, others_fail_seconds);
    if (comm_rank(comm) == 0) {
        tell_failure();
    } else if (shared) {
        if (sleep(END_COMES_SECONDS) > 0) {
            _exit(status_exit_code(status)); /* a signal: the end has come */
        }
    } else {
        log_error("%s", status_message());
    }
    comm_abort(comm, status_exit_code(status));
}

static enum status parse_and_run(const struct command *command, const char *const *strings, size_t count,
                                 struct comm *comm)
{
    struct arguments arguments;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(strings[i], "--help") == 0 || strcmp(strings[i], "-h") == 0) {
            if (comm == NULL || comm_rank(comm) == 0) {
                help_print_command(command);
            }
            return STATUS_OK;
        }
    }
    TRY(arguments_parse(command, strings, count, &arguments));
    enum status status = command->run(&arguments, comm);
    arguments_release(&arguments);
    if (status == STATUS_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        return fail(STATUS_FAILED, "standard output cannot be written: %s", strerror(errno));
    }
    return status;
}

/* For commands without ranks: they start at once, and work where mpirun does not. */
static int run_alone(const struct command *command, const char *const *strings, size_t count)
{
    enum status status = parse_and_run(command, strings, count, NULL);
    if (status != STATUS_OK) {
        tell_failure();
    }
    return status_exit_code(status);
}

static int run_on_ranks(const struct command *command, const char *const *strings, size_t count)
{
    struct comm *comm = NULL;
    enum status status = stop_install(); /* ahead of MPI: a signal without a handler kills a rank */
    if (status == STATUS_OK) {
        status = comm_create(&comm);
    }
    if (status != STATUS_OK) {
        tell_failure();
        return status_exit_code(status);
    }
    log_set_rank(comm_rank(comm), comm_size(comm));
    status = parse_and_run(command, strings, count, comm);
    if (status == STATUS_OK || status == STATUS_STOPPED) {
        if (status == STATUS_STOPPED) {
            log_info("%s", status_message());
        }
        comm_destroy(comm);
        return status_exit_code(status);
    }
    end_job(comm, status);
}

/* LEMNOS_LOG in the environment; anything else leaves what is usual. */
static void choose_log_level(void)
{
    const char *wish = getenv("LEMNOS_LOG");
    if (wish != NULL && strcmp(wish, "debug") == 0) {
        log_set_level(LOG_DEBUG);
    } else if (wish != NULL && strcmp(wish, "warning") == 0) {
        log_set_level(LOG_WARNING);
    }
}

int main(int count, char **strings)
{
    choose_log_level();
    const char *name = count > 1 ? strings[1] : "help";
    if (strcmp(name, "--version") == 0) {
        printf("lemnos %s\n", LEMNOS_VERSION);
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        name = "help";
    }
    const struct command *command;
    enum status status = command_find(name, &command);
    if (status != STATUS_OK) {
        tell_failure();
        return status_exit_code(status);
    }
    const char *const *rest = (const char *const *)strings + 2;
    size_t rest_count = count > 2 ? (size_t)count - 2 : 0;
    return command->uses_ranks ? run_on_ranks(command, rest, rest_count) : run_alone(command, rest, rest_count);
}
