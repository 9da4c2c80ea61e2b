#include "bench/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/parts.h"
#include "compute/single.h"

enum { SHARDS = 8, TINY_SAMPLES = 2 };

/* As training cuts it by default: the largest divisor up to eight. */
static int shards_of(int64_t samples)
{
    int shards = SHARDS;
    while (samples % shards != 0) {
        shards--;
    }
    return shards;
}

static enum status fill_input(struct single *single, int input, const struct bench_case *of, int64_t samples)
{
    struct shape shape = of->inputs[input];
    int64_t count = samples * shape_count(shape);
    void *dense;
    TRY(memory_allocate((size_t)count, sizeof(float), &dense));
    for (int64_t i = 0; i < count; i++) {
        if (shape.rank == 0) {
            ((int32_t *)dense)[i] = (int32_t)(i % shape_channels(of->inputs[0]));
        } else {
            ((float *)dense)[i] = (float)(i * 7919 % 4093 - 2046) / 2048.0F;
        }
    }
    single_write_input(single, 0, input, dense);
    free(dense);
    return STATUS_OK;
}

static enum status fill_parameter(struct single *single, int index)
{
    const struct parameter *parameter = single_parameter(single, index);
    float *dense;
    TRY(memory_allocate((size_t)parameter_count(parameter), sizeof *dense, &dense));
    parameter_initial(parameter, 1, dense);
    enum status status = single_write_parameter(single, index, dense);
    free(dense);
    return status;
}

static enum status fill_output_gradient(struct single *single, int64_t samples)
{
    int64_t count = samples * shape_count(single_output_shape(single));
    float *dense;
    TRY(memory_allocate((size_t)count, sizeof *dense, &dense));
    for (int64_t i = 0; i < count; i++) {
        dense[i] = (float)(i * 7919 % 4093 - 2046) / 2048.0F;
    }
    single_write_output_gradient(single, 0, dense);
    free(dense);
    return STATUS_OK;
}

static enum status fill_weights(struct single *single, int64_t samples)
{
    float *weights;
    TRY(memory_allocate((size_t)samples, sizeof *weights, &weights));
    for (int64_t i = 0; i < samples; i++) {
        weights[i] = 1.0F;
    }
    single_write_weights(single, 0, weights);
    free(weights);
    return STATUS_OK;
}

/* Numbers of ordinary size everywhere: zeros and denormals have a speed of their own. */
static enum status fill(struct single *single, const struct bench_result *result)
{
    const struct layer *layer = single_layer(single);
    for (int i = 0; i < layer->input_count; i++) {
        TRY(fill_input(single, i, result->of, result->samples));
    }
    for (int i = 0; i < layer->parameter_count; i++) {
        TRY(fill_parameter(single, i));
    }
    *single_scalars(single) = (struct step_scalars){.loss_scale = 1.0F, .clip_scale = 1.0F, .buffer_scale = 1.0F};
    if (layer->type->is_loss) {
        return fill_weights(single, result->samples);
    }
    return fill_output_gradient(single, result->samples);
}

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

static enum status measure_layer(const struct bench_kernels_params *params, const struct layer_type *type,
                                 struct bench_result *result)
{
    const struct bench_case *of = result->of;
    enum dtype dtypes[BENCH_MAX_INPUTS];
    for (int i = 0; i < of->input_count; i++) {
        dtypes[i] = of->inputs[i].rank == 0 ? DTYPE_INT32 : DTYPE_FLOAT32;
    }
    int shards = shards_of(result->samples);
    struct single_part whole = {.shards = shards, .shard_count = shards};
    struct single_params made = {.engine = &params->engine,
                                 .type = type,
                                 .options = of->options,
                                 .mode = TAPE_TRAIN,
                                 .samples = result->samples,
                                 .inputs = of->inputs,
                                 .dtypes = dtypes,
                                 .input_count = of->input_count,
                                 .parts = &whole,
                                 .part_count = 1};
    struct single *single;
    TRY(single_create(&made, &single));
    enum status status = describe_options(single_layer(single), result->options, sizeof result->options);
    TRY_OUT(status);
    TRY_OUT(fill(single, result));
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
    result->samples = params->tiny ? TINY_SAMPLES : result->of->samples;
    const struct layer_type *type = layer_type_find(result->of->layer);
    if (type == NULL) {
        result->missing = result->of->layer;
        return STATUS_OK;
    }
    return measure_layer(params, type, result);
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

static enum status begin(const struct bench_kernels_params *params, const struct bench_report *report,
                         struct bench_peaks *peaks)
{
    struct engine *engine;
    TRY(bench_measure_peaks(&params->engine, params->rounds, params->tiny, peaks));
    TRY(engine_create(&params->engine, &engine));
    report->begin(report->context, engine_device(engine), engine_class(engine), peaks);
    engine_destroy(engine);
    return STATUS_OK;
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
