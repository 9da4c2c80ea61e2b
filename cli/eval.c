/* lemnos eval: how good a model is on a part of the data. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/trained.h"

enum { MOST_CLASSES = 20 }; /* of the table of classes */

/* How often class `actual` was taken for `predicted`: counts[actual * classes + predicted]. Rank 0. */
struct confusion {
    const struct dataset *dataset;
    int64_t *counts;
};

static enum status count_sample(int64_t index, const float *predicted, const void *actual, void *context)
{
    (void)index;
    struct confusion *confusion = context;
    int64_t label = *(const int32_t *)actual;
    if (label >= 0 && label < confusion->dataset->classes) {
        confusion->counts[label * confusion->dataset->classes + highest_class(confusion->dataset, predicted)]++;
    }
    return STATUS_OK;
}

static void print_class(const struct dataset *dataset, int64_t class, const int64_t *row)
{
    int64_t samples = 0;
    int64_t wrong = -1;
    char name[32];
    for (int64_t i = 0; i < dataset->classes; i++) {
        samples += row[i];
        if (i != class && row[i] > 0 && (wrong < 0 || row[i] > row[wrong])) {
            wrong = i;
        }
    }
    printf("%-16.16s %8" PRId64, class_name(dataset, class, name, sizeof name), samples);
    if (samples > 0) {
        printf(" %8.2f%%", 100.0 * (double)row[class] / (double)samples);
    }
    if (wrong >= 0) {
        printf("  %s (%" PRId64 ")", class_name(dataset, wrong, name, sizeof name), row[wrong]);
    }
    printf("\n");
}

static enum status evaluate_classes(const struct trained *trained, int rank, struct evaluation_result *result)
{
    const struct dataset *dataset = trained->session->dataset;
    struct confusion confusion = {.dataset = dataset};
    int64_t classes = dataset->classes;
    if (classes > MOST_CLASSES) {
        return evaluation_run(trained->evaluation, NULL, NULL, result);
    }
    TRY(memory_allocate((size_t)(classes * classes), sizeof *confusion.counts, &confusion.counts));
    enum status status = evaluation_run(trained->evaluation, count_sample, &confusion, result);
    if (status == STATUS_OK && rank == 0) {
        printf("%-16s %8s %9s  %s\n", "class", "samples", "accuracy", "most often taken for");
        for (int64_t i = 0; i < classes; i++) {
            print_class(dataset, i, confusion.counts + i * classes);
        }
        printf("\n");
    }
    free(confusion.counts);
    return status;
}

static enum status evaluate_values(const struct trained *trained, int rank, struct evaluation_result *result)
{
    int64_t limit = trained->session->options.evaluation.table;
    TRY(evaluation_print_table(trained->evaluation, limit, result));
    if (rank == 0 && limit > 0) {
        if (result->samples > limit) {
            printf("... and %" PRId64 " more: evaluation.table=%" PRId64 " shows all\n", result->samples - limit,
                   result->samples);
        }
        printf("\n");
    }
    return STATUS_OK;
}

static void print_result(const struct trained *trained, const struct evaluation_result *result)
{
    printf("%-8s  %s part of %s, %" PRId64 " samples\n", "data", split_names[trained->split],
           trained->session->dataset->type->name, result->samples);
    if (trained->subject.checkpoint != NULL) {
        printf("%-8s  %s, after step %" PRId64 "\n", "weights", trained->subject.path,
               trained->subject.checkpoint->step);
    } else {
        printf("%-8s  %s, the initial ones\n", "weights", trained->subject.path);
    }
    printf("%-8s  %.9g\n", "loss", result->loss);
    if (result->classifies) {
        printf("%-8s  %.2f%%\n", "accuracy", 100.0 * result->accuracy);
    } else {
        char r2[64];
        evaluation_format_r2(result, 9, r2, sizeof r2);
        printf("%-8s  %.9g\n%-8s  %.9g\n%-8s  %s\n", "MAE", result->mae, "RMSE", result->rmse, "R2", r2);
    }
}

static enum status eval_run(const struct arguments *arguments, struct comm *comm)
{
    struct trained trained;
    struct evaluation_result result;
    TRY(trained_open(arguments, comm, &trained));
    enum status status = trained.session->dataset->classes > 0 ? evaluate_classes(&trained, comm_rank(comm), &result)
                                                               : evaluate_values(&trained, comm_rank(comm), &result);
    if (status == STATUS_OK && comm_rank(comm) == 0) {
        print_result(&trained, &result);
    }
    trained_release(&trained);
    return status;
}

static const struct flag flags[] = {
    {"split", "test|train", "the part of the data; test unless given"},
    {.name = NULL},
};

const struct command command_eval = {
    .name = "eval",
    .help = "evaluate a checkpoint, a run, or a config's initial weights",
    .usage = "CHECKPOINT|RUN|CONFIG [section.key=value ...] [--split test|train]",
    .details =
        "Evaluates a checkpoint file, the newest checkpoint of a run's folder, or the initial weights of a\n"
        "config, and prints what a classification got right class by class, or the table of a regression.\n"
        "A checkpoint holds its config; overrides change it, as in data.path=elsewhere. The result is the same on\n"
        "any number of ranks.",
    .flags = flags,
    .least_words = 1,
    .most_words = 1,
    .takes_overrides = true,
    .uses_ranks = true,
    .run = eval_run,
};
