/* lemnos bench: how fast kernels, and training as a config says, run here. */
#include <stdio.h>
#include <string.h>

#include "bench/kernels_report.h"
#include "bench/workload_report.h"
#include "cli/commands.h"
#include "cli/subject.h"

enum { ROUNDS = 20 };

static enum status measure_kernels(const struct arguments *arguments, bool json)
{
    static const char *const classes[] = {"best", "cpu", "gpu", "matrix", NULL};
    int class;
    int64_t device;
    int64_t rounds;
    TRY(arguments_choice(arguments, "class", classes, 0, &class));
    TRY(arguments_number(arguments, "device", 0, 1024, -1, &device));
    TRY(arguments_number(arguments, "rounds", 1, 1000000, ROUNDS, &rounds));
    struct bench_kernels_params params = {
        .engine = {.kind = ENGINE_VULKAN, .device = (int)device, .local_size = 1, .device_class = class - 1},
        .only = arguments_flag(arguments, "only"),
        .rounds = (int)rounds,
        .tiny = arguments_flag(arguments, "tiny") != NULL};
    struct kernels_report *report;
    TRY(kernels_report_create(stdout, json, params.rounds, &report));
    struct bench_report handlers = kernels_report_handlers(report);
    enum status status = bench_kernels(&params, &handlers);
    if (status == STATUS_OK) {
        status = kernels_report_finish(report);
    }
    kernels_report_destroy(report);
    return status;
}

static enum status measure_workload(const struct arguments *arguments, bool json, struct comm *comm)
{
    struct workload_params params = {.comm = comm};
    struct workload_result result;
    TRY(arguments_number(arguments, "steps", 1, 100000, 0, &params.steps));
    TRY(subject_load_config(arguments, &params.config));
    enum status status = workload_run(&params, &result);
    if (status == STATUS_OK) {
        status = comm_rank(comm) == 0 ? workload_report(&result, json, stdout) : STATUS_OK;
        workload_release(&result);
    }
    config_destroy(params.config);
    return status;
}

/* Flags of the one use make no sense in the other. */
static enum status refuse_flags(const struct arguments *arguments, const char *const *names, const char *use)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (arguments_flag(arguments, names[i]) != NULL) {
            return fail(STATUS_BAD_INPUT, "--%s is not for lemnos bench %s", names[i], use);
        }
    }
    return STATUS_OK;
}

static enum status bench_run(const struct arguments *arguments, struct comm *comm)
{
    static const char *const kernel_flags[] = {"class", "device", "rounds", "only", "tiny", NULL};
    static const char *const config_flags[] = {"steps", NULL};
    bool json = arguments_flag(arguments, "json") != NULL;
    if (strcmp(arguments->words[0], "kernels") != 0) {
        TRY(refuse_flags(arguments, kernel_flags, "CONFIG"));
        return measure_workload(arguments, json, comm);
    }
    TRY(refuse_flags(arguments, config_flags, "kernels"));
    if (comm_size(comm) > 1) {
        return fail(STATUS_BAD_INPUT, "lemnos bench kernels measures one rank: start it without mpirun");
    }
    if (arguments->override_count > 0) {
        return fail(STATUS_BAD_INPUT, "lemnos bench kernels reads no config, so there is nothing for %s to override",
                    arguments->overrides[0]);
    }
    return measure_kernels(arguments, json);
}

static const struct flag flags[] = {
    {"json", NULL, "one JSON object instead of tables"},
    {"steps", "N", "CONFIG: measure so many steps; as many as take 5 seconds unless given"},
    {"class", "cpu|gpu|matrix", "kernels: their class; the device's best unless given"},
    {"device", "INDEX", "kernels: the device, as lemnos devices counts them"},
    {"rounds", "N", "kernels: run each so often; 20 unless given"},
    {"only", "TEXT", "kernels: only cases with this in their name"},
    {"tiny", NULL, "kernels: two samples a case, to see that all of them run"},
    {.name = NULL},
};

const struct command command_bench = {
    .name = "bench",
    .help = "measure kernels, or training as a config says",
    .usage = "kernels|CONFIG [section.key=value ...] [--json] ...",
    .details =
        "\"kernels\": runs layers one by one, forward and backward, and tells GFLOP/s, GB/s, and the fraction of what\n"
        "the device can do at best, which is measured first.\n"
        "CONFIG: trains for some steps, writes nothing, and tells steps and samples a second, where a step's time\n"
        "goes, and the memory. Under mpirun on several ranks. The learning rate is 0, so that nothing diverges.\n"
        "Best is the fastest round or step, median the one in the middle: on a busy machine they lie apart.",
    .flags = flags,
    .least_words = 1,
    .most_words = 1,
    .takes_overrides = true,
    .uses_ranks = true,
    .run = bench_run,
};
