/* lemnos bench: how fast kernels, and training as a config says, run here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/kernels_report.h"
#include "bench/tune.h"
#include "bench/workload_report.h"
#include "cli/commands.h"
#include "cli/subject.h"
#include "compute/tuning_file.h"

enum { ROUNDS = 20 };

/* What is measured on one device by this process alone. */
static enum status read_engine(const struct arguments *arguments, struct engine_params *engine, int *rounds)
{
    static const char *const classes[] = {"best", "cpu", "gpu", "matrix", NULL};
    int class;
    int64_t device;
    int64_t count;
    TRY(arguments_choice(arguments, "class", classes, 0, &class));
    TRY(arguments_number(arguments, "device", 0, 1024, -1, &device));
    TRY(arguments_number(arguments, "rounds", 1, 1000000, ROUNDS, &count));
    *engine = (struct engine_params){
        .kind = ENGINE_VULKAN, .device = (int)device, .local_size = 1, .device_class = class - 1, .tuned = true};
    *rounds = (int)count;
    return STATUS_OK;
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

static enum status measure_kernels(const struct arguments *arguments, bool json)
{
    struct engine_params engine;
    int rounds;
    TRY(read_engine(arguments, &engine, &rounds));
    struct bench_kernels_params params = {.engine = engine,
                                          .only = arguments_flag(arguments, "only"),
                                          .rounds = rounds,
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

/* --- tuning ------------------------------------------------------------------------------------------------------- */

struct tuned_device {
    struct device_info info;
    enum device_class device_class;
};

static void begin_tuning(void *context, const struct device_info *device, enum device_class device_class)
{
    *(struct tuned_device *)context = (struct tuned_device){.info = *device, .device_class = device_class};
    printf("%s (%s), kernels of class %s\n\n%-16s %12s %10s\n", device->name, device->driver,
           device_class_names[device_class], "field", "candidate", "ms");
    fflush(stdout);
}

static void print_tuned_field(void *context, const struct tune_field *field)
{
    (void)context;
    for (int i = 0; i < field->candidate_count; i++) {
        const struct tune_candidate *candidate = &field->candidates[i];
        char value[32];
        tuning_format(field->field, candidate->value, value);
        printf("%-16s %12s %10.3f%s%s\n", i == 0 ? tuning_fields[field->field].name : "", value,
               1e3 * candidate->seconds, i == field->chosen ? "  chosen" : "",
               candidate->same_bits ? "" : "  not taken: other bits");
    }
    fflush(stdout);
}

static enum status tune(const struct arguments *arguments)
{
    struct tuned_device device;
    struct tuning tuning;
    struct tune_params params = {.tiny = arguments_flag(arguments, "tiny") != NULL};
    TRY(read_engine(arguments, &params.engine, &params.rounds));
    struct tune_report report = {.begin = begin_tuning, .add = print_tuned_field, .context = &device};
    TRY(bench_tune(&params, &report, &tuning));
    char *path;
    TRY(tuning_file_path(&device.info, device.device_class, &path));
    enum status status = tuning_file_write(path, &device.info, device.device_class, &tuning);
    if (status == STATUS_OK) {
        printf("\nkept in %s: from now on this device is used so; LEMNOS_TUNING=off in the environment ignores it\n",
               path);
    }
    free(path);
    return status;
}

/* --- training ----------------------------------------------------------------------------------------------------- */

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

/* For measurements of a device alone. */
static enum status refuse_ranks(const struct arguments *arguments, const struct comm *comm, const char *use)
{
    if (comm_size(comm) > 1) {
        return fail(STATUS_BAD_INPUT, "lemnos bench %s measures one rank: start it without mpirun", use);
    }
    if (arguments->override_count > 0) {
        return fail(STATUS_BAD_INPUT, "lemnos bench %s reads no config, so there is nothing for %s to override", use,
                    arguments->overrides[0]);
    }
    return STATUS_OK;
}

static enum status bench_run(const struct arguments *arguments, struct comm *comm)
{
    static const char *const device_flags[] = {"class", "device", "rounds", "only", "tiny", NULL};
    static const char *const config_flags[] = {"steps", NULL};
    static const char *const not_for_tuning[] = {"steps", "only", "json", NULL};
    bool json = arguments_flag(arguments, "json") != NULL;
    if (arguments_flag(arguments, "tune") != NULL) {
        TRY(refuse_flags(arguments, not_for_tuning, "--tune"));
        if (arguments->word_count > 0) {
            return fail(STATUS_BAD_INPUT, "lemnos bench --tune measures layers of its own: leave %s out",
                        arguments->words[0]);
        }
        TRY(refuse_ranks(arguments, comm, "--tune"));
        return tune(arguments);
    }
    if (arguments->word_count == 0) {
        return fail(STATUS_BAD_INPUT, "what is to be measured? lemnos bench %s", arguments->command->usage);
    }
    if (strcmp(arguments->words[0], "kernels") != 0) {
        TRY(refuse_flags(arguments, device_flags, "CONFIG"));
        return measure_workload(arguments, json, comm);
    }
    TRY(refuse_flags(arguments, config_flags, "kernels"));
    TRY(refuse_ranks(arguments, comm, "kernels"));
    return measure_kernels(arguments, json);
}

static const struct flag flags[] = {
    {"json", NULL, "one JSON object instead of tables"},
    {"steps", "N", "CONFIG: measure so many steps; as many as take 5 seconds unless given"},
    {"tune", NULL, "find sizes of tiles and blocks for a device, and keep them for every later start"},
    {"class", "cpu|gpu|matrix", "kernels, --tune: class of kernels; the device's best unless given"},
    {"device", "INDEX", "kernels, --tune: the device, as lemnos devices counts them"},
    {"rounds", "N", "kernels, --tune: run each so often; 20 unless given"},
    {"only", "TEXT", "kernels: only cases with this in their name"},
    {"tiny", NULL, "kernels, --tune: two samples a case, to see that all of them run"},
    {.name = NULL},
};

const struct command command_bench = {
    .name = "bench",
    .help = "measure kernels, or training as a config says; tune a device",
    .usage = "kernels|CONFIG|--tune [section.key=value ...] [--json] ...",
    .details =
        "\"kernels\": runs layers one by one, forward and backward, and tells GFLOP/s, GB/s, and the fraction of what\n"
        "the device can do at best, which is measured first.\n"
        "CONFIG: trains for some steps, writes nothing, and tells steps and samples a second, where a step's time\n"
        "goes, and the memory. Under mpirun on several ranks. The learning rate is 0, so that nothing diverges.\n"
        "--tune: measures sizes of tiles and blocks on a device, a minute or two on a machine that does nothing else,\n"
        "and keeps what is fastest in $XDG_CACHE_HOME/lemnos or ~/.cache/lemnos, for every later train, eval, predict\n"
        "and bench on this device until its driver or lemnos changes. Results are the same bits with and without.\n"
        "LEMNOS_TUNING=off in the environment ignores what was kept.\n"
        "Best is the fastest round or step, median the one in the middle: on a busy machine they lie apart.",
    .flags = flags,
    .most_words = 1,
    .takes_overrides = true,
    .uses_ranks = true,
    .run = bench_run,
};
