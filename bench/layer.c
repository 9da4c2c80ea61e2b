#include "bench/layer.h"

#include <stdlib.h>

#include "base/memory.h"

enum { SHARDS = 8 };

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
static enum status fill(struct single *single, const struct bench_case *of, int64_t samples)
{
    const struct layer *layer = single_layer(single);
    for (int i = 0; i < layer->input_count; i++) {
        TRY(fill_input(single, i, of, samples));
    }
    for (int i = 0; i < layer->parameter_count; i++) {
        TRY(fill_parameter(single, i));
    }
    *single_scalars(single) = (struct step_scalars){.loss_scale = 1.0F, .clip_scale = 1.0F, .buffer_scale = 1.0F};
    if (layer->type->is_loss) {
        return fill_weights(single, samples);
    }
    return fill_output_gradient(single, samples);
}

enum status bench_layer_create(const struct engine_params *engine, const struct bench_case *of, int64_t samples,
                               struct single **single)
{
    enum dtype dtypes[BENCH_MAX_INPUTS];
    for (int i = 0; i < of->input_count; i++) {
        dtypes[i] = of->inputs[i].rank == 0 ? DTYPE_INT32 : DTYPE_FLOAT32;
    }
    int shards = shards_of(samples);
    struct single_part whole = {.shards = shards, .shard_count = shards};
    struct single_params params = {.engine = engine,
                                   .type = layer_type_find(of->layer),
                                   .options = of->options,
                                   .mode = TAPE_TRAIN,
                                   .samples = samples,
                                   .inputs = of->inputs,
                                   .dtypes = dtypes,
                                   .input_count = of->input_count,
                                   .parts = &whole,
                                   .part_count = 1};
    TRY(single_create(&params, single));
    enum status status = fill(*single, of, samples);
    if (status != STATUS_OK) {
        single_destroy(*single);
        *single = NULL;
    }
    return status;
}
