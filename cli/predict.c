/* lemnos predict: what a model says of single samples. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/trained.h"

enum { SHOWN_CLASSES = 3, DEFAULT_SAMPLES = 10 };

struct printer {
    const struct dataset *dataset;
    bool json;
    int64_t first, count;  /* samples that are asked for */
    double *probabilities; /* by class */
};

/* The softmax of the scores, in doubles. */
static void to_probabilities(const float *scores, int64_t count, double *probabilities)
{
    double largest = -INFINITY;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        largest = fmax(largest, (double)scores[i]);
    }
    for (int64_t i = 0; i < count; i++) {
        probabilities[i] = exp((double)scores[i] - largest);
        sum += probabilities[i];
    }
    for (int64_t i = 0; i < count; i++) {
        probabilities[i] /= sum;
    }
}

/* The `shown` most probable classes, the first of equals ahead. */
static int rank_classes(const double *probabilities, int64_t count, int64_t best[SHOWN_CLASSES])
{
    int shown = 0;
    for (int64_t i = 0; i < count; i++) {
        int place = shown;
        while (place > 0 && probabilities[i] > probabilities[best[place - 1]]) {
            place--;
        }
        if (place < SHOWN_CLASSES) {
            shown = shown < SHOWN_CLASSES ? shown + 1 : shown;
            for (int j = shown - 1; j > place; j--) {
                best[j] = best[j - 1];
            }
            best[place] = i;
        }
    }
    return shown;
}

/* A value of the target's channel in the user's units. */
static double in_units(const struct dataset *dataset, int64_t channel, double value)
{
    double scale = dataset->target_scale != NULL ? (double)dataset->target_scale[channel] : 1.0;
    double offset = dataset->target_offset != NULL ? (double)dataset->target_offset[channel] : 0.0;
    return value * scale + offset;
}

static enum status print_json(cJSON *line)
{
    char *text = cJSON_PrintUnformatted(line);
    if (text == NULL) {
        return fail(STATUS_NO_MEMORY, "no memory for a line of JSON");
    }
    printf("%s\n", text);
    cJSON_free(text);
    return STATUS_OK;
}

static enum status class_json(const struct printer *printer, int64_t index, int64_t label)
{
    const struct dataset *dataset = printer->dataset;
    int64_t best[SHOWN_CLASSES];
    char buffer[32];
    cJSON *line = cJSON_CreateObject();
    rank_classes(printer->probabilities, dataset->classes, best);
    cJSON_AddNumberToObject(line, "index", (double)index);
    cJSON_AddStringToObject(line, "predicted", class_name(dataset, best[0], buffer, sizeof buffer));
    cJSON_AddStringToObject(line, "actual", class_name(dataset, label, buffer, sizeof buffer));
    cJSON *probabilities = cJSON_AddObjectToObject(line, "probabilities");
    for (int64_t i = 0; i < dataset->classes; i++) {
        cJSON_AddNumberToObject(probabilities, class_name(dataset, i, buffer, sizeof buffer),
                                printer->probabilities[i]);
    }
    enum status status = print_json(line);
    cJSON_Delete(line);
    return status;
}

static void class_line(const struct printer *printer, int64_t index, int64_t label)
{
    const struct dataset *dataset = printer->dataset;
    int64_t best[SHOWN_CLASSES];
    char buffer[32];
    int shown = rank_classes(printer->probabilities, dataset->classes, best);
    printf("%8" PRId64 "  ", index);
    for (int i = 0; i < shown; i++) {
        printf("%s%s %.2f%%", i > 0 ? ", " : "", class_name(dataset, best[i], buffer, sizeof buffer),
               100.0 * printer->probabilities[best[i]]);
    }
    printf("  actual %s%s\n", class_name(dataset, label, buffer, sizeof buffer), label == best[0] ? "" : "  (wrong)");
}

static enum status values_json(const struct printer *printer, int64_t index, const float *predicted,
                               const float *actual)
{
    const struct shape shape = printer->dataset->fields[1].shape;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "index", (double)index);
    cJSON *lists[] = {cJSON_AddArrayToObject(line, "predicted"), cJSON_AddArrayToObject(line, "actual")};
    const float *const values[] = {predicted, actual};
    for (size_t list = 0; list < COUNT_OF(lists); list++) {
        for (int64_t i = 0; i < shape_count(shape); i++) {
            int64_t channel = i % shape_channels(shape);
            int64_t place = i / shape_channels(shape) * shape_stride(shape) + channel;
            double value = in_units(printer->dataset, channel, (double)values[list][place]);
            cJSON_AddItemToArray(lists[list], cJSON_CreateNumber(value));
        }
    }
    enum status status = print_json(line);
    cJSON_Delete(line);
    return status;
}

static void values_line(const struct printer *printer, int64_t index, const float *predicted, const float *actual)
{
    const struct shape shape = printer->dataset->fields[1].shape;
    printf("%8" PRId64 " ", index);
    for (int64_t i = 0; i < shape_count(shape); i++) {
        int64_t channel = i % shape_channels(shape);
        int64_t place = i / shape_channels(shape) * shape_stride(shape) + channel;
        printf(" %.6g (actual %.6g)", in_units(printer->dataset, channel, (double)predicted[place]),
               in_units(printer->dataset, channel, (double)actual[place]));
    }
    printf("\n");
}

static enum status print_sample(int64_t index, const float *predicted, const void *actual, void *context)
{
    const struct printer *printer = context;
    if (index < printer->first || index >= printer->first + printer->count) {
        return STATUS_OK; /* its batch was needed for a neighbour */
    }
    if (printer->dataset->classes == 0) {
        if (printer->json) {
            return values_json(printer, index, predicted, actual);
        }
        values_line(printer, index, predicted, actual);
        return STATUS_OK;
    }
    to_probabilities(predicted, printer->dataset->classes, printer->probabilities);
    int64_t label = *(const int32_t *)actual;
    if (printer->json) {
        return class_json(printer, index, label);
    }
    class_line(printer, index, label);
    return STATUS_OK;
}

/* Which samples: one, the first few, or (0) all. */
static enum status choose_samples(const struct arguments *arguments, const struct trained *trained,
                                  struct printer *printer)
{
    int64_t all = trained->session->dataset->count[trained->split];
    int64_t samples;
    TRY(arguments_number(arguments, "samples", 0, INT64_MAX, DEFAULT_SAMPLES, &samples));
    TRY(arguments_number(arguments, "index", 0, all - 1, 0, &printer->first));
    if (arguments_flag(arguments, "index") != NULL) {
        if (arguments_flag(arguments, "samples") != NULL) {
            return fail(STATUS_BAD_INPUT, "--index names one sample and --samples the first few: give one of them");
        }
        samples = 1;
    }
    printer->count = samples == 0 || samples > all ? all : samples;
    return STATUS_OK;
}

static enum status predict_run(const struct arguments *arguments, struct comm *comm)
{
    struct trained trained;
    struct printer printer = {0};
    enum status status = STATUS_OK;
    TRY(trained_open(arguments, comm, &trained));
    printer.dataset = trained.session->dataset;
    printer.json = arguments_flag(arguments, "json") != NULL;
    TRY_OUT(choose_samples(arguments, &trained, &printer));
    if (trained.subject.checkpoint == NULL) {
        log_info("%s is a config, so the weights are the initial ones: nothing is trained yet", trained.subject.path);
    }
    TRY_OUT(memory_allocate((size_t)printer.dataset->classes, sizeof *printer.probabilities, &printer.probabilities));
    struct evaluation_result result;
    evaluation_limit(trained.evaluation, printer.first, printer.count);
    status = evaluation_run(trained.evaluation, print_sample, &printer, &result);
out:
    free(printer.probabilities);
    trained_release(&trained);
    return status;
}

static const struct flag flags[] = {
    {"split", "test|train", "the part of the data; test unless given"},
    {"samples", "N", "the first N samples, 10 unless given; 0: all"},
    {"index", "I", "sample I alone, counted from 0"},
    {"json", NULL, "one JSON object a line, with the probabilities of all classes"},
    {.name = NULL},
};

const struct command command_predict = {
    .name = "predict",
    .help = "print what a model says of samples",
    .usage = "CHECKPOINT|RUN|CONFIG [section.key=value ...] [--split test|train] [--samples N | --index I] [--json]",
    .details =
        "Prints a line a sample: its index, the prediction (the three likeliest classes with their probabilities,\n"
        "or values in the data's units) and what is true. For data of your own, name it: data.path=FOLDER.",
    .flags = flags,
    .least_words = 1,
    .most_words = 1,
    .takes_overrides = true,
    .uses_ranks = true,
    .run = predict_run,
};
