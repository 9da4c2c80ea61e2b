#include "bench/workload_report.h"

#include "base/memory.h"
#include "bench/json.h"

static const double giga = 1e9;
static const double milli = 1e-3;
static const double mebibyte = 1048576.0;

static const char *const pass_names[] = {
    [PASS_FORWARD] = "forward", [PASS_BACKWARD] = "backward", [PASS_UPDATE] = "update"};

static const char *const region_names[REGION_COUNT] = {
    [REGION_ARENA] = "arena",         [REGION_PARAMETERS] = "parameters",
    [REGION_GRADIENTS] = "gradients", [REGION_OPTIMIZER] = "optimizer",
    [REGION_INPUT] = "input",         [REGION_OUTPUT] = "output",
    [REGION_EXCHANGE] = "exchange",   [REGION_STEP] = "step",
    [REGION_CONSTANTS] = "constants",
};

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void print_rate(const struct workload_result *result, FILE *file)
{
    const struct measured *step = &result->step;
    double batch = (double)result->batch;
    fprintf(file, "%s, kernels of class %s; %d rank%s, batch %lld, %lld steps\n\n", result->device,
            device_class_names[result->device_class], result->ranks, result->ranks > 1 ? "s" : "",
            (long long)result->batch, (long long)result->steps);
    fprintf(file, "%-24s %12s %12s\n", "", "best", "median");
    fprintf(file, "%-24s %12.3f %12.3f\n", "step, ms", step->best / milli, step->median / milli);
    fprintf(file, "%-24s %12.2f %12.2f\n", "steps a second", 1.0 / step->best, 1.0 / step->median);
    fprintf(file, "%-24s %12.1f %12.1f\n", "samples a second", batch / step->best, batch / step->median);
}

static void print_share(FILE *file, const char *name, double seconds, double whole)
{
    fprintf(file, "%-46s %10.3f %7.1f%%\n", name, seconds / milli, 100.0 * seconds / whole);
}

static void print_host(const struct workload_result *result, FILE *file)
{
    const struct step_times *times = &result->times;
    double whole = result->loader + times->gradients + times->sums + times->update + times->parameters;
    fprintf(file, "\n%-46s %10s %8s\n", "a step as the host of rank 0 sees it, mean", "ms", "share");
    print_share(file, "waiting for the batch", result->loader, whole);
    print_share(file, "forward and backward", times->gradients, whole);
    print_share(file, "then: sums of gradients and metrics", times->sums, whole);
    print_share(file, "update", times->update, whole);
    print_share(file, "parameters to all ranks", times->parameters, whole);
    print_share(file, "of all this: waiting for other ranks", result->exposed, whole);
    print_share(file, "of all this: adding gradients", result->adding, whole);
}

static void print_layers(const struct workload_result *result, FILE *file)
{
    fprintf(file, "\n%-20s %-22s %-9s %8s %10s %8s %9s\n", "layer (with timestamps)", "type", "pass", "kernels", "ms",
            "share", "GFLOP/s");
    for (int i = 0; i < result->layer_count; i++) {
        const struct workload_layer *layer = &result->layers[i];
        if (layer->absorber[0] != '\0') {
            fprintf(file, "%-23s %-22s %-9s     in %s\n", layer->name, layer->type, pass_names[layer->pass],
                    layer->absorber);
            continue;
        }
        fprintf(file, "%-23s %-22s %-9s %8d %10.3f %7.1f%% %9.1f\n", layer->name, layer->type, pass_names[layer->pass],
                layer->dispatches, layer->seconds / milli, 100.0 * layer->seconds / result->device_seconds,
                layer->seconds > 0 ? layer->flops / layer->seconds / giga : 0.0);
    }
    fprintf(file, "%-23s %-22s %-9s %8d %10.3f\n", "together", "", "", result->dispatches,
            result->device_seconds / milli);
}

static void print_memory(const struct workload_result *result, FILE *file)
{
    fprintf(file, "\n%-24s %12s\n", "memory of rank 0", "MiB");
    for (int i = 0; i < REGION_COUNT; i++) {
        if (result->regions[i] > 0) {
            fprintf(file, "%-24s %12.2f\n", region_names[i], (double)result->regions[i] / mebibyte);
        }
    }
    fprintf(file, "%-24s %12.2f\n", "device, together", (double)result->device_memory / mebibyte);
    fprintf(file, "%-24s %12.2f\n", "process at its largest", (double)result->resident / mebibyte);
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

static void add_rate(const struct workload_result *result, cJSON *json)
{
    cJSON_AddStringToObject(json, "device", result->device);
    cJSON_AddStringToObject(json, "class", device_class_names[result->device_class]);
    cJSON_AddNumberToObject(json, "ranks", result->ranks);
    cJSON_AddNumberToObject(json, "batch", (double)result->batch);
    cJSON_AddNumberToObject(json, "steps", (double)result->steps);
    json_measured(json, "step_seconds_best", result->step.best);
    json_measured(json, "step_seconds_median", result->step.median);
    json_measured(json, "samples_per_second_best", (double)result->batch / result->step.best);
    json_measured(json, "samples_per_second_median", (double)result->batch / result->step.median);
}

static void add_host(const struct workload_result *result, cJSON *json)
{
    cJSON *host = cJSON_AddObjectToObject(json, "host_seconds");
    json_measured(host, "loader", result->loader);
    json_measured(host, "gradients", result->times.gradients);
    json_measured(host, "sums", result->times.sums);
    json_measured(host, "update", result->times.update);
    json_measured(host, "parameters", result->times.parameters);
    json_measured(host, "exposed_communication", result->exposed);
    json_measured(host, "adding_gradients", result->adding);
}

static void add_layers(const struct workload_result *result, cJSON *json)
{
    cJSON_AddNumberToObject(json, "dispatches", result->dispatches);
    json_measured(json, "device_seconds", result->device_seconds);
    cJSON *layers = cJSON_AddArrayToObject(json, "layers");
    for (int i = 0; i < result->layer_count; i++) {
        const struct workload_layer *layer = &result->layers[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", layer->name);
        cJSON_AddStringToObject(item, "type", layer->type);
        cJSON_AddStringToObject(item, "pass", pass_names[layer->pass]);
        cJSON_AddNumberToObject(item, "dispatches", layer->dispatches);
        json_measured(item, "seconds", layer->seconds);
        json_measured(item, "flops", layer->flops);
        if (layer->absorber[0] != '\0') {
            cJSON_AddStringToObject(item, "absorber", layer->absorber);
        }
        cJSON_AddItemToArray(layers, item);
    }
}

static void add_memory(const struct workload_result *result, cJSON *json)
{
    cJSON *memory = cJSON_AddObjectToObject(json, "memory_bytes");
    for (int i = 0; i < REGION_COUNT; i++) {
        cJSON_AddNumberToObject(memory, region_names[i], (double)result->regions[i]);
    }
    cJSON_AddNumberToObject(memory, "device_together", (double)result->device_memory);
    cJSON_AddNumberToObject(memory, "resident_peak", (double)result->resident);
}

enum status workload_report(const struct workload_result *result, bool json, FILE *file)
{
    if (!json) {
        print_rate(result, file);
        print_host(result, file);
        print_layers(result, file);
        print_memory(result, file);
        return STATUS_OK;
    }
    cJSON *object = cJSON_CreateObject();
    add_rate(result, object);
    add_host(result, object);
    add_layers(result, object);
    add_memory(result, object);
    enum status status = json_print(object, file);
    cJSON_Delete(object);
    return status;
}
