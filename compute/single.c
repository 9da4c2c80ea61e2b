#include "compute/single.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/lower.h"

struct single {
    struct graph graph;
    struct program program;
    struct engine *engine;
    struct layer *layer;
    int64_t samples;
    struct geometry geometries[SINGLE_MAX_PARTS];
    int part_count;
    int copies; /* of the gradients, all parts together */
};

/* --- making ----------------------------------------------------------------------------------------------------- */

static enum status add_layer(struct single *single, const struct single_params *params)
{
    int inputs[LAYER_MAX_INPUTS];
    if (params->input_count > LAYER_MAX_INPUTS) {
        return fail(STATUS_BAD_INPUT, "a layer has at most %d inputs", LAYER_MAX_INPUTS);
    }
    for (int i = 0; i < params->input_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "input%d", i);
        TRY(graph_add_input(&single->graph, name, params->inputs[i], params->dtypes[i], &inputs[i]));
        /* As if something trained stood above. */
        single->graph.values[inputs[i]].needs_gradient = params->dtypes[i] == DTYPE_FLOAT32;
    }
    const struct layer_type *type = params->type;
    void *options;
    TRY(layer_options_create(type, params->options, &options));
    struct layer_params layer = {
        .type = type, .name = "layer", .options = options, .inputs = inputs, .input_count = params->input_count};
    enum status status = graph_add(&single->graph, &layer, &single->layer);
    layer_options_destroy(type, options);
    return status;
}

static enum status make_geometry(struct single *single, const struct single_part *part)
{
    if (single->samples % part->shards != 0) {
        return fail(STATUS_BAD_INPUT, "%lld samples do not make %d equal shards", (long long)single->samples,
                    part->shards);
    }
    struct geometry *geometry = &single->geometries[single->part_count++];
    *geometry = (struct geometry){.shards = part->shards,
                                  .first_shard = part->first_shard,
                                  .shard_count = part->shard_count,
                                  .shard_samples = single->samples / part->shards,
                                  .first_copy = single->copies};
    geometry->piece_count = shards_pieces(part->shards, part->first_shard, part->shard_count, PIECE_MAX_SHARDS,
                                          geometry->pieces, (int)COUNT_OF(geometry->pieces));
    single->copies += geometry->piece_count;
    return STATUS_OK;
}

static enum status add_phases(struct single *single, enum tape_mode mode)
{
    const struct layer *layer = single->layer;
    struct lower_params lower = {.graph = &single->graph,
                                 .mode = mode,
                                 .device_class = engine_class(single->engine),
                                 .tuning = engine_tuning(single->engine),
                                 .lanes = engine_lanes(single->engine),
                                 .flat_count = single->program.flat_count,
                                 .observed = layer->outputs,
                                 .observed_count = layer->output_count,
                                 .seeded = layer->outputs,
                                 .seeded_count = layer->output_count,
                                 .observed_gradients = layer->inputs,
                                 .observed_gradient_count = layer->input_count};
    for (int i = 0; i < single->part_count; i++) {
        char name[32];
        int number;
        snprintf(name, sizeof name, "part %d", i);
        lower.geometry = single->geometries[i];
        TRY(program_add_phase(&single->program, name, &lower, false, &number));
        assert(number == i);
    }
    return STATUS_OK;
}

static enum status build(struct single *single, const struct single_params *params)
{
    if (params->part_count > SINGLE_MAX_PARTS) {
        return fail(STATUS_BAD_INPUT, "at most %d parts are possible", SINGLE_MAX_PARTS);
    }
    TRY(add_layer(single, params));
    for (int i = 0; i < params->part_count; i++) {
        TRY(make_geometry(single, &params->parts[i]));
    }
    TRY(program_init(&single->program, &single->graph, PROGRAM_BLOCK));
    program_reserve(&single->program, single->copies, 0);
    TRY(engine_create(params->engine, &single->engine));
    TRY(add_phases(single, params->mode));
    return engine_load(single->engine, &single->program);
}

enum status single_create(const struct single_params *params, struct single **single)
{
    TRY(memory_allocate(1, sizeof **single, single));
    (*single)->samples = params->samples;
    graph_init(&(*single)->graph);
    enum status status = build(*single, params);
    if (status != STATUS_OK) {
        single_destroy(*single);
        *single = NULL;
    }
    return status;
}

void single_destroy(struct single *single)
{
    if (single == NULL) {
        return;
    }
    engine_destroy(single->engine);
    program_release(&single->program);
    graph_release(&single->graph);
    free(single);
}

const struct layer *single_layer(const struct single *single)
{
    return single->layer;
}

const struct parameter *single_parameter(const struct single *single, int parameter)
{
    return &single->graph.parameters[single->layer->parameters[parameter]];
}

struct shape single_output_shape(const struct single *single)
{
    return layer_output_shape(single->layer, 0);
}

struct engine *single_engine(const struct single *single)
{
    return single->engine;
}

const struct program *single_program(const struct single *single)
{
    return &single->program;
}

struct step_scalars *single_scalars(struct single *single)
{
    return engine_host(single->engine, REGION_STEP);
}

/* --- layouts ---------------------------------------------------------------------------------------------------- */

/* Where element `index` of a sample, counted in PyTorch's order, lies in memory. */
static int64_t element_place(struct shape shape, int64_t index)
{
    int64_t channels = shape_channels(shape);
    int64_t positions = shape_positions(shape);
    int64_t channel = shape.rank == 2 ? index % channels : index / positions;
    int64_t position = shape.rank == 2 ? index / channels : index % positions;
    return position * shape_stride(shape) + channel;
}

static void to_memory(struct shape shape, int64_t samples, const float *dense, float *memory)
{
    int64_t count = shape_count(shape);
    int64_t elements = shape_elements(shape, DTYPE_FLOAT32);
    memset(memory, 0, (size_t)(samples * elements) * sizeof(float));
    for (int64_t sample = 0; sample < samples; sample++) {
        for (int64_t i = 0; i < count; i++) {
            memory[sample * elements + element_place(shape, i)] = dense[sample * count + i];
        }
    }
}

static enum status check_padding(struct shape shape, int64_t samples, const float *memory, const char *what)
{
    int64_t channels = shape_channels(shape);
    int64_t stride = shape_stride(shape);
    for (int64_t row = 0; row < samples * shape_positions(shape); row++) {
        for (int64_t i = channels; i < stride; i++) {
            if (memory[row * stride + i] != 0.0F) {
                return fail(STATUS_FAILED, "%s: the channel padding of position %lld is %g instead of 0", what,
                            (long long)row, (double)memory[row * stride + i]);
            }
        }
    }
    return STATUS_OK;
}

static enum status from_memory(struct shape shape, int64_t samples, const float *memory, const char *what, float *dense)
{
    int64_t count = shape_count(shape);
    int64_t elements = shape_elements(shape, DTYPE_FLOAT32);
    for (int64_t sample = 0; sample < samples; sample++) {
        for (int64_t i = 0; i < count; i++) {
            dense[sample * count + i] = memory[sample * elements + element_place(shape, i)];
        }
    }
    return check_padding(shape, samples, memory, what);
}

static void *tensor_memory(const struct single *single, int part, int tensor)
{
    const struct phase *phase = single->program.phases[part];
    assert(tensor != TENSOR_NONE && phase->tape.tensors[tensor].region != REGION_ARENA);
    unsigned char *region = engine_host(single->engine, phase->tape.tensors[tensor].region);
    return region + phase->plan.offsets[tensor];
}

static int64_t first_sample(const struct single *single, int part)
{
    const struct geometry *geometry = &single->geometries[part];
    return geometry->shard_samples * geometry->first_shard;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

enum status single_write_parameter(struct single *single, int parameter, const float *dense)
{
    const struct parameter *written = single_parameter(single, parameter);
    float *parameters = engine_host(single->engine, REGION_PARAMETERS);
    parameter_from_dense(written, dense, parameters + written->offset);
    return engine_push(single->engine, REGION_PARAMETERS, (uint64_t)written->offset * sizeof(float),
                       (uint64_t)written->elements * sizeof(float));
}

void single_write_input(struct single *single, int part, int input, const void *dense)
{
    int value = single->layer->inputs[input];
    struct shape shape = single->graph.values[value].shape;
    int64_t samples = geometry_samples(&single->geometries[part]);
    int64_t start = first_sample(single, part) * shape_count(shape);
    void *memory = tensor_memory(single, part, lower_value_tensor(&single->program.phases[part]->tape, value));
    if (single->graph.values[value].dtype == DTYPE_INT32) {
        memcpy(memory, (const int32_t *)dense + start, (size_t)(samples * shape_count(shape)) * sizeof(int32_t));
    } else {
        to_memory(shape, samples, (const float *)dense + start, memory);
    }
}

void single_write_output_gradient(struct single *single, int part, const float *dense)
{
    int value = single->layer->outputs[0];
    struct shape shape = single->graph.values[value].shape;
    int tensor = lower_gradient_tensor(&single->program.phases[part]->tape, value);
    to_memory(shape, geometry_samples(&single->geometries[part]),
              dense + first_sample(single, part) * shape_count(shape), tensor_memory(single, part, tensor));
}

void single_write_weights(struct single *single, int part, const float *weights)
{
    memcpy(tensor_memory(single, part, single->program.phases[part]->tape.weights_tensor),
           weights + first_sample(single, part), (size_t)geometry_samples(&single->geometries[part]) * sizeof(float));
}

/* --- running ---------------------------------------------------------------------------------------------------- */

enum status single_sum_rows(int shards, const float *rows, int64_t count, float *total)
{
    struct piece *pieces = NULL;
    const float **data = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)shards, sizeof *pieces, &pieces));
    TRY_OUT(memory_allocate((size_t)shards, sizeof *data, &data));
    for (int i = 0; i < shards; i++) {
        pieces[i] = (struct piece){.first = i, .count = 1};
        data[i] = rows + i * count;
    }
    shards_sum(shards, pieces, data, shards, count, total);
out:
    free(pieces);
    free(data);
    return status;
}

/* NaN everywhere, so that what the phase does not write is noticed. */
static enum status spoil(struct single *single, enum region region, uint64_t offset, uint64_t size)
{
    if (size == 0) {
        return STATUS_OK;
    }
    memset((unsigned char *)engine_host(single->engine, region) + offset, 0xff, size);
    return engine_push(single->engine, region, offset, size);
}

static enum status serve_host(struct single *single, int part, int number, const struct host_step *step,
                              single_serve *serve, void *context)
{
    const float *rows = engine_exchange(single->engine, &step->input);
    float *total = engine_exchange(single->engine, &step->output);
    if (serve != NULL) {
        return serve(context, number, step, rows, total);
    }
    assert(single->geometries[part].shard_count == single->geometries[part].shards);
    return single_sum_rows(single->geometries[part].shards, rows, step->count, total);
}

enum status single_run(struct single *single, int part, single_serve *serve, void *context)
{
    const struct geometry *geometry = &single->geometries[part];
    uint64_t copy = (uint64_t)single->program.flat_count * sizeof(float);
    uint64_t first = copy * (uint64_t)geometry->first_copy;
    uint64_t size = copy * (uint64_t)geometry->piece_count;
    TRY(spoil(single, REGION_OUTPUT, 0, single->program.region_sizes[REGION_OUTPUT]));
    TRY(spoil(single, REGION_GRADIENTS, first, size));
    TRY(engine_begin(single->engine, part));
    struct engine_event event;
    int number = 0;
    do {
        TRY(engine_poll(single->engine, 1000000, &event));
        if (event.kind == EVENT_HOST) {
            TRY(serve_host(single, part, number++, event.host, serve, context));
            TRY(engine_continue(single->engine));
        }
    } while (event.kind != EVENT_DONE);
    return engine_pull(single->engine, REGION_GRADIENTS, first, size);
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

static enum status read_value(struct single *single, int part, int value, int tensor, const char *what, float *dense)
{
    struct shape shape = single->graph.values[value].shape;
    if (tensor == TENSOR_NONE) {
        return fail(STATUS_FAILED, "%s of %s is not computed", what, single->layer->type->name);
    }
    return from_memory(shape, geometry_samples(&single->geometries[part]), tensor_memory(single, part, tensor), what,
                       dense + first_sample(single, part) * shape_count(shape));
}

enum status single_read_output(struct single *single, int part, float *dense)
{
    int value = single->layer->outputs[0];
    int tensor = lower_value_tensor(&single->program.phases[part]->tape, value);
    return read_value(single, part, value, tensor, "the output", dense);
}

enum status single_read_input_gradient(struct single *single, int part, int input, float *dense)
{
    int value = single->layer->inputs[input];
    int tensor = lower_gradient_tensor(&single->program.phases[part]->tape, value);
    return read_value(single, part, value, tensor, "the gradient of an input", dense);
}

static enum status check_parameter_padding(const struct parameter *parameter, const float *memory, const float *dense)
{
    double all = 0.0;
    double placed = 0.0;
    for (int64_t i = 0; i < parameter->elements; i++) {
        all += fabs((double)memory[i]);
    }
    for (int64_t i = 0; i < parameter_count(parameter); i++) {
        placed += fabs((double)dense[i]);
    }
    /* Sums of floats in doubles differ by rounding alone where nothing but zeros is left out. NaN is for the caller. */
    if (all > placed * (1.0 + 1e-9)) {
        return fail(STATUS_FAILED, "the padding in the gradient of %s is not zero", parameter->name);
    }
    return STATUS_OK;
}

enum status single_read_parameter_gradient(struct single *single, int first_part, int part_count, int parameter,
                                           float *dense)
{
    const struct parameter *read = single_parameter(single, parameter);
    const float *gradients = engine_host(single->engine, REGION_GRADIENTS);
    struct piece pieces[SINGLE_MAX_PARTS * COUNT_OF(single->geometries[0].pieces)];
    const float *data[COUNT_OF(pieces)];
    int count = 0;
    for (int part = first_part; part < first_part + part_count; part++) {
        const struct geometry *geometry = &single->geometries[part];
        for (int i = 0; i < geometry->piece_count; i++) {
            pieces[count] = geometry->pieces[i];
            data[count++] = gradients + (geometry->first_copy + i) * single->program.flat_count + read->offset;
        }
    }
    float *sum;
    TRY(memory_allocate((size_t)read->elements, sizeof *sum, &sum));
    shards_sum(single->geometries[first_part].shards, pieces, data, count, read->elements, sum);
    parameter_to_dense(read, sum, dense);
    enum status status = check_parameter_padding(read, sum, dense);
    free(sum);
    return status;
}

const float *single_metrics(const struct single *single, int part)
{
    return tensor_memory(single, part, single->program.phases[part]->tape.metrics_tensor);
}
