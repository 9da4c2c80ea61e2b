/* lemnos selftest: does every layer compute right on this device? */
#include <math.h>
#include <stdio.h>

#include "cli/commands.h"
#include "compute/check.h"

struct tally {
    int passed, failed;
};

static void print_case(void *context, const struct check_result *result)
{
    struct tally *tally = context;
    char options[512];
    size_t used = 0;
    for (const char *next = result->options; *next != '\0' && used + 1 < sizeof options; next++) {
        options[used++] = *next == '\n' ? ' ' : *next;
    }
    options[used] = '\0';
    *(result->passed ? &tally->passed : &tally->failed) += 1;
    printf("%-6s  %-22s  ", result->passed ? "ok" : "FAILED", result->type);
    if (isnan(result->worst)) {
        printf("%-21s", "did not run");
    } else {
        printf("%.1e (below %.0e)", result->worst, result->limit);
    }
    printf("  %s\n", options);
    if (!result->passed) {
        printf("        %s\n", result->message);
    }
    fflush(stdout);
}

static enum status selftest_run(const struct arguments *arguments, struct comm *comm)
{
    (void)comm;
    static const char *const classes[] = {"best", "cpu", "gpu", "matrix", NULL};
    struct engine_params engine = {.kind = ENGINE_VULKAN,
                                   .local_size = 1,
                                   .share_device = true,
                                   .validation = arguments_flag(arguments, "validation") != NULL};
    int class;
    int64_t device;
    TRY(arguments_choice(arguments, "class", classes, 0, &class));
    TRY(arguments_number(arguments, "device", 0, 1024, -1, &device));
    engine.device_class = class - 1;
    engine.device = (int)device;
    struct tally tally = {0};
    bool passed;
    printf("%-6s  %-22s  %-21s  %s\n", "", "layer", "gradient's error", "options");
    TRY(check_layers(&engine, print_case, &tally, &passed));
    if (!passed) {
        return fail(STATUS_FAILED,
                    "%d of %d checks failed: networks with these layers would train wrongly on this device. Another "
                    "class of kernels (--class) or a newer driver may help",
                    tally.failed, tally.failed + tally.passed);
    }
    printf("\nAll %d checks passed.\n", tally.passed);
    return STATUS_OK;
}

static const struct flag flags[] = {
    {"class", "cpu|gpu|matrix", "the class of kernels; the device's best unless given"},
    {"device", "INDEX", "the device, as lemnos devices counts them"},
    {"validation", NULL, "under the Vulkan validation layers; any message is a failure"},
    {.name = NULL},
};

const struct command command_selftest = {
    .name = "selftest",
    .help = "check every layer's gradients on this device",
    .usage = "[--class cpu|gpu|matrix] [--device INDEX] [--validation]",
    .details =
        "Runs every type of layer on the device, and compares the gradients that its kernels compute with slopes\n"
        "measured by moving each input and parameter a little.",
    .flags = flags,
    .run = selftest_run,
};
