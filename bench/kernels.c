#include "bench/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/layer.h"
#include "bench/parts.h"
#include "compute/matrix_probe.h"

static enum status describe_options(const struct layer *layer, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const struct option *option = layer->type->options; option != NULL && option->name != NULL; option++) {
        char value[64];
        TRY(option_format(option, layer->options, value, sizeof value));
        int length = snprintf(text + used, size - used, "%s%s = %s", used > 0 ? "\n" : "", option->name, value);
        if (length < 0 || (size_t)length >= size - used) {
            return fail(STATUS_FAILED, "the options of %s are longer than %zu bytes", layer->type->name, size);
        }
        used += (size_t)length;
    }
    return STATUS_OK;
}

static enum status measure_single(struct single *single, int rounds, struct bench_result *result)
{
    const struct program *program = single_program(single);
    const struct tape *tape = &program->phases[0]->tape;
    int *parts;
    TRY(memory_allocate((size_t)tape->step_count, sizeof *parts, &parts));
    enum status status = parts_find(tape, parts, result);
    struct measured measured[BENCH_MAX_PARTS];
    TRY_OUT(status);
    TRY_OUT(measure_phase(single_engine(single), program, 0, rounds, parts, result->part_count, measured));
    for (int i = 0; i < result->part_count; i++) {
        result->parts[i].measured = measured[i];
    }
out:
    free(parts);
    return status;
}

static enum status measure_layer(const struct bench_kernels_params *params, struct bench_result *result)
{
    struct single *single;
    TRY(bench_layer_create(&params->engine, result->of, result->samples, &single));
    enum status status = describe_options(single_layer(single), result->options, sizeof result->options);
    TRY_OUT(status);
    TRY_OUT(measure_single(single, params->rounds, result));
out:
    single_destroy(single);
    return status;
}

static enum status measure_case(const struct bench_kernels_params *params, struct bench_result *result)
{
    if (result->of->samples == 0) {
        return bench_measure_update(params, result);
    }
    result->samples = params->tiny ? BENCH_TINY_SAMPLES : result->of->samples;
    if (layer_type_find(result->of->layer) == NULL) {
        result->missing = result->of->layer;
        return STATUS_OK;
    }
    return measure_layer(params, result);
}

static void compare_with_peaks(const struct bench_peaks *peaks, struct bench_result *result)
{
    for (int i = 0; i < result->part_count; i++) {
        struct bench_part *part = &result->parts[i];
        double arithmetic = part->flops / peaks->flops;
        double memory = part->bytes / peaks->bytes;
        part->seconds_at_peak = arithmetic > memory ? arithmetic : memory;
    }
}

/* Settles the class of kernels for all cases. */
static enum status begin(struct bench_kernels_params *params, const struct bench_report *report,
                         struct bench_peaks *peaks)
{
    struct engine *engine;
    TRY(matrix_probe_create(&params->engine, &engine));
    params->engine.device_class = (int)engine_class(engine);
    enum status status = bench_measure_peaks(&params->engine, params->rounds, params->tiny, peaks);
    if (status == STATUS_OK) {
        report->begin(report->context, engine_device(engine), engine_class(engine), peaks);
    }
    engine_destroy(engine);
    return status;
}

enum status bench_kernels(const struct bench_kernels_params *given, const struct bench_report *report)
{
    struct bench_kernels_params params = *given;
    params.engine.timestamps = true;
    struct bench_peaks peaks;
    TRY(begin(&params, report, &peaks));
    for (const struct bench_case *of = bench_cases; of->name != NULL; of++) {
        if (params.only != NULL && strstr(of->name, params.only) == NULL) {
            continue;
        }
        struct bench_result result = {.of = of};
        enum status status = measure_case(&params, &result);
        if (status != STATUS_OK) {
            return fail_context(status, "%s: ", of->name);
        }
        compare_with_peaks(&peaks, &result);
        report->add(report->context, &result);
    }
    return STATUS_OK;
}
