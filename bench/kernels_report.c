#include "bench/kernels_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/json.h"

struct kernels_report {
    FILE *file;
    cJSON *json; /* NULL: a table */
    cJSON *cases;
};

static const double giga = 1e9;
static const double milli = 1e-3;

/* --- a table ---------------------------------------------------------------------------------------------------- */

static void print_part(FILE *file, const char *name, const struct bench_part *part)
{
    const struct measured *measured = &part->measured;
    fprintf(file, "%-28s %-10s %6d %10.3f %10.3f %9.1f %8.2f %7.1f%%\n", name, part->name, part->dispatches,
            measured->best / milli, measured->median / milli, part->flops / measured->best / giga,
            part->bytes / measured->best / giga, 100.0 * part->seconds_at_peak / measured->best);
}

static void print_result(FILE *file, const struct bench_result *result)
{
    const char *name = result->of->name;
    if (result->missing != NULL) {
        fprintf(file, "%-28s skipped: needs layer %s\n", name, result->missing);
    }
    for (int i = 0; i < result->part_count; i++) {
        print_part(file, i == 0 ? name : "", &result->parts[i]);
    }
    fflush(file);
}

static void print_begin(FILE *file, const struct device_info *device, enum device_class device_class,
                        const struct bench_peaks *peaks)
{
    fprintf(file, "%s (%s), kernels of class %s\n", device->name, device->driver, device_class_names[device_class]);
    fprintf(file, "at best %.1f GFLOP/s in registers, %.1f GB/s copied (reads and writes together)\n\n",
            peaks->flops / giga, peaks->bytes / giga);
    fprintf(file, "%-28s %-10s %6s %10s %10s %9s %8s %8s\n", "", "", "kernel", "best", "median", "", "", "of the");
    fprintf(file, "%-28s %-10s %6s %10s %10s %9s %8s %8s\n", "case", "part", "runs", "ms", "ms", "GFLOP/s", "GB/s",
            "peak");
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void add_inputs(cJSON *json, const struct bench_case *of)
{
    cJSON *inputs = cJSON_AddArrayToObject(json, "inputs");
    for (int i = 0; i < of->input_count; i++) {
        cJSON *shape = cJSON_CreateArray();
        for (int dim = 0; dim < of->inputs[i].rank; dim++) {
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)of->inputs[i].dim[dim]));
        }
        cJSON_AddItemToArray(inputs, shape);
    }
}

static void add_options(cJSON *json, const char *lines)
{
    cJSON *options = cJSON_AddObjectToObject(json, "options");
    for (const char *line = lines; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        size_t key = strcspn(line, " ");
        char name[BENCH_OPTIONS_SIZE];
        char value[BENCH_OPTIONS_SIZE];
        snprintf(name, sizeof name, "%.*s", (int)key, line);
        snprintf(value, sizeof value, "%.*s", (int)(length - key - strlen(" = ")), line + key + strlen(" = "));
        cJSON_AddStringToObject(options, name, value);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
}

static cJSON *make_part(const struct bench_part *part)
{
    const struct measured *measured = &part->measured;
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "part", part->name);
    cJSON_AddNumberToObject(json, "dispatches", part->dispatches);
    json_measured(json, "seconds_best", measured->best);
    json_measured(json, "seconds_median", measured->median);
    json_measured(json, "gflops_best", part->flops / measured->best / giga);
    json_measured(json, "gflops_median", part->flops / measured->median / giga);
    json_measured(json, "gigabytes_per_second_best", part->bytes / measured->best / giga);
    json_measured(json, "gigabytes_per_second_median", part->bytes / measured->median / giga);
    json_measured(json, "of_peak", part->seconds_at_peak / measured->best);
    return json;
}

static void add_result(cJSON *cases, const struct bench_result *result)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", result->of->name);
    cJSON_AddStringToObject(json, "layer", result->of->layer);
    if (result->missing != NULL) {
        cJSON_AddStringToObject(json, "skipped_needs_layer", result->missing);
    } else {
        add_inputs(json, result->of);
        cJSON_AddNumberToObject(json, "samples", (double)result->samples);
        add_options(json, result->options);
        cJSON *parts = cJSON_AddArrayToObject(json, "parts");
        for (int i = 0; i < result->part_count; i++) {
            cJSON_AddItemToArray(parts, make_part(&result->parts[i]));
        }
    }
    cJSON_AddItemToArray(cases, json);
}

static void add_begin(cJSON *json, const struct device_info *device, enum device_class device_class,
                      const struct bench_peaks *peaks)
{
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON_AddStringToObject(json, "class", device_class_names[device_class]);
    json_measured(json, "peak_gflops", peaks->flops / giga);
    json_measured(json, "peak_gigabytes_per_second", peaks->bytes / giga);
}

/* --- either ------------------------------------------------------------------------------------------------------- */

static void begin(void *context, const struct device_info *device, enum device_class device_class,
                  const struct bench_peaks *peaks)
{
    struct kernels_report *report = context;
    if (report->json != NULL) {
        add_begin(report->json, device, device_class, peaks);
    } else {
        print_begin(report->file, device, device_class, peaks);
    }
}

static void add(void *context, const struct bench_result *result)
{
    struct kernels_report *report = context;
    if (report->json != NULL) {
        add_result(report->cases, result);
    } else {
        print_result(report->file, result);
    }
}

enum status kernels_report_create(FILE *file, bool json, int rounds, struct kernels_report **report)
{
    TRY(memory_allocate(1, sizeof **report, report));
    (*report)->file = file;
    if (json) {
        (*report)->json = cJSON_CreateObject();
        cJSON_AddNumberToObject((*report)->json, "rounds", rounds);
        (*report)->cases = cJSON_CreateArray();
        if ((*report)->json == NULL || (*report)->cases == NULL) {
            kernels_report_destroy(*report);
            return fail(STATUS_NO_MEMORY, "there is no memory for the results");
        }
    }
    return STATUS_OK;
}

struct bench_report kernels_report_handlers(struct kernels_report *report)
{
    return (struct bench_report){.begin = begin, .add = add, .context = report};
}

enum status kernels_report_finish(struct kernels_report *report)
{
    if (report->json == NULL) {
        return STATUS_OK;
    }
    cJSON_AddItemToObject(report->json, "cases", report->cases);
    report->cases = NULL;
    return json_print(report->json, report->file);
}

void kernels_report_destroy(struct kernels_report *report)
{
    if (report != NULL) {
        cJSON_Delete(report->json);
        cJSON_Delete(report->cases);
        free(report);
    }
}
