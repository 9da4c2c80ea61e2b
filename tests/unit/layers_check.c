#include "tests/unit/layers_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include "base/memory.h"
#include "base/random.h"
#include "compute/engine.h"
#include "compute/graph/layer.h"
#include "compute/graph/lower.h"
#include "shaders/step.h"
#include "tests/unit/layers_reference.h"

/* Dense arrays over the whole batch, in PyTorch's order. */
struct arrays {
    float *x[REFERENCE_INPUTS], *dy, *parameters[REFERENCE_PARAMETERS];
    float *y, *dx[REFERENCE_INPUTS], *gradients[REFERENCE_PARAMETERS];
};

static const uint64_t SEED = 0x123456789abcdef0U;
static const uint32_t STEP = 41;

static float *numbers(int64_t count)
{
    float *array = calloc((size_t)count + 1, sizeof(float));
    assert_non_null(array);
    return array;
}

/* Eighths, so that equal values meet in a window, and some small ones. */
static void fill(float *array, int64_t count, uint64_t stream, double offset)
{
    struct random random;
    random_init(&random, 7, RANDOM_DATA, stream);
    for (int64_t i = 0; i < count; i++) {
        double value = floor(random_uniform(&random, -4, 4) * 8) / 8;
        array[i] = (float)((i % 7 == 3 ? value * 1e-3 : value) + offset);
    }
}

static int64_t place(struct shape shape, int64_t element)
{
    int64_t positions = shape_positions(shape);
    int64_t channels = shape_channels(shape);
    int64_t channel = shape.rank == 2 ? element % channels : element / positions;
    int64_t position = shape.rank == 2 ? element / channels : element % positions;
    return position * shape_stride(shape) + channel;
}

static void to_memory(struct shape shape, int64_t samples, const float *dense, float *memory)
{
    int64_t count = shape_count(shape);
    int64_t size = shape_elements(shape, DTYPE_FLOAT32);
    memset(memory, 0, (size_t)(samples * size) * sizeof(float));
    for (int64_t i = 0; i < samples * count; i++) {
        memory[i / count * size + place(shape, i % count)] = dense[i];
    }
}

static void from_memory(struct shape shape, int64_t samples, const float *memory, float *dense)
{
    int64_t count = shape_count(shape);
    int64_t size = shape_elements(shape, DTYPE_FLOAT32);
    double padding = 0;
    for (int64_t i = 0; i < samples * size; i++) {
        padding += memory[i] != 0;
    }
    for (int64_t i = 0; i < samples * count; i++) {
        dense[i] = memory[i / count * size + place(shape, i % count)];
        padding -= dense[i] != 0;
    }
    assert_int_equal((int)padding, 0); /* the channel padding is zero */
}

static void parse_options(const struct layer_type *type, const char *text, void *options)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    assert_ok(option_defaults(type->options, options));
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        const struct option *option = option_find(type->options, word);
        assert_non_null(option);
        assert_ok(option_parse(option, value, options));
    }
}

void layer_case_build(const struct layer_case *c, struct graph *graph, struct layer **layer)
{
    const struct layer_type *type = layer_type_find(c->type);
    assert_non_null(type);
    double options[32] = {0};
    assert_true(type->options_size <= sizeof options);
    parse_options(type, c->options, options);
    int inputs[REFERENCE_INPUTS];
    graph_init(graph);
    for (int i = 0; i < c->input_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        assert_ok(graph_add_input(graph, name, c->shape, DTYPE_FLOAT32, &inputs[i]));
        graph->values[inputs[i]].needs_gradient = true;
    }
    struct layer_params params = {
        .type = type, .name = "tested", .options = options, .inputs = inputs, .input_count = c->input_count};
    assert_ok(graph_add(graph, &params, layer));
    option_release(type->options, options);
}

struct device {
    struct engine *engine;
    struct program program;
    struct phase *phase;
    enum device_class class;
};

static float *host(const struct device *device, int tensor)
{
    const struct tensor *where = &device->phase->tape.tensors[tensor];
    return (float *)((char *)engine_host(device->engine, where->region) + where->offset);
}

struct geometry layer_case_geometry(const struct layer_case *c, int first, int count)
{
    struct geometry geometry = {
        .shards = c->shards, .first_shard = first, .shard_count = count, .shard_samples = c->shard_samples};
    geometry.piece_count = shards_pieces(c->shards, first, count, PIECE_MAX_SHARDS, geometry.pieces, 16);
    return geometry;
}

static void load(struct device *device, struct graph *graph, const struct layer_case *c, struct geometry geometry)
{
    int values[REFERENCE_INPUTS + 1];
    for (int i = 0; i < graph->value_count; i++) {
        values[i] = i;
    }
    int output = graph->value_count - 1;
    assert_ok(program_init(&device->program, graph, 1 << 20));
    program_reserve(&device->program, geometry.piece_count, 0);
    struct lower_params params = {.graph = graph,
                                  .mode = c->mode,
                                  .device_class = device->class,
                                  .geometry = geometry,
                                  .flat_count = device->program.flat_count,
                                  .observed = &output,
                                  .observed_count = 1};
    if (c->mode == TAPE_TRAIN) {
        params.seeded = &output;
        params.seeded_count = 1;
        params.observed_gradients = values;
        params.observed_gradient_count = c->input_count;
    }
    int phase;
    assert_ok(program_add_phase(&device->program, "check", &params, false, &phase));
    device->phase = device->program.phases[phase];
    struct engine_params engine_params = {.kind = ENGINE_VULKAN,
                                          .device = -1,
                                          .device_class = (int)device->class,
                                          .share_device = true,
                                          .validation = getenv("LEMNOS_TEST_VALIDATION") != NULL};
    assert_ok(engine_create(&engine_params, &device->engine));
    assert_ok(engine_load(device->engine, &device->program));
}

/* Every element of a parameter where its owner says. */
static void check_places(const struct parameter *parameter, const float *dense, const float *memory)
{
    int64_t index[PARAMETER_MAX_RANK] = {0};
    for (int64_t i = 0; i < parameter_count(parameter) && parameter->place != NULL; i++) {
        int64_t left = i;
        for (int axis = parameter->rank - 1; axis >= 0; axis--) {
            index[axis] = left % parameter->dim[axis];
            left /= parameter->dim[axis];
        }
        assert_memory_equal(&memory[parameter->place(parameter, index)], &dense[i], sizeof(float));
    }
}

static void write_inputs(const struct device *device, const struct layer *layer, const struct layer_case *c,
                         struct geometry geometry, const struct arrays *arrays)
{
    int64_t samples = geometry_samples(&geometry);
    int64_t first = geometry.first_shard * geometry.shard_samples;
    const struct graph *graph = layer->graph;
    for (int i = 0; i < c->input_count; i++) {
        to_memory(c->shape, samples, arrays->x[i] + first * shape_count(c->shape),
                  host(device, lower_value_tensor(&device->phase->tape, layer->inputs[i])));
    }
    struct shape output = layer_output_shape(layer, 0);
    if (c->mode == TAPE_TRAIN) {
        to_memory(output, samples, arrays->dy + first * shape_count(output),
                  host(device, lower_gradient_tensor(&device->phase->tape, layer->outputs[0])));
    }
    float *flat = engine_host(device->engine, REGION_PARAMETERS);
    for (int i = 0; i < graph->parameter_count; i++) {
        parameter_from_dense(&graph->parameters[i], arrays->parameters[i], flat + graph->parameters[i].offset);
        check_places(&graph->parameters[i], arrays->parameters[i], flat + graph->parameters[i].offset);
    }
    struct step_scalars *step = engine_host(device->engine, REGION_STEP);
    step->step = STEP;
    step->seed_low = (uint32_t)SEED;
    step->seed_high = (uint32_t)(SEED >> 32);
    uint64_t size = device->program.region_sizes[REGION_PARAMETERS];
    assert_ok(engine_push(device->engine, REGION_PARAMETERS, 0, size));
}

/* All shards are local where there are host steps, so their sum is the whole. */
static void serve_host_step(const struct device *device, const struct host_step *step, struct geometry geometry)
{
    const float *rows = engine_exchange(device->engine, &step->input);
    float *sum = engine_exchange(device->engine, &step->output);
    struct piece pieces[16];
    const float *data[16];
    for (int i = 0; i < geometry.shard_count; i++) {
        pieces[i] = (struct piece){i, 1};
        data[i] = rows + i * step->count;
    }
    shards_sum(geometry.shards, pieces, data, geometry.shard_count, step->count, sum);
}

static void run(const struct device *device, struct geometry geometry)
{
    assert_ok(engine_begin(device->engine, 0));
    struct engine_event event = {0};
    while (event.kind != EVENT_DONE) {
        assert_ok(engine_poll(device->engine, 100000, &event));
        if (event.kind == EVENT_HOST) {
            assert_int_equal(geometry.shard_count, geometry.shards);
            serve_host_step(device, event.host, geometry);
            assert_ok(engine_continue(device->engine));
        }
    }
}

/* Reads this range's samples into the batch's arrays; gradients[i] gets the sums of the range's pieces. */
static void read_outputs(const struct device *device, const struct layer *layer, const struct layer_case *c,
                         struct geometry geometry, struct arrays *arrays)
{
    int64_t samples = geometry_samples(&geometry);
    int64_t first = geometry.first_shard * geometry.shard_samples;
    struct shape output = layer_output_shape(layer, 0);
    const struct tape *tape = &device->phase->tape;
    from_memory(output, samples, host(device, lower_value_tensor(tape, layer->outputs[0])),
                arrays->y + first * shape_count(output));
    if (c->mode != TAPE_TRAIN) {
        return;
    }
    for (int i = 0; i < c->input_count; i++) {
        from_memory(c->shape, samples, host(device, lower_gradient_tensor(tape, layer->inputs[i])),
                    arrays->dx[i] + first * shape_count(c->shape));
    }
    uint64_t size = device->program.region_sizes[REGION_GRADIENTS];
    assert_ok(engine_pull(device->engine, REGION_GRADIENTS, 0, size));
    const float *flat = engine_host(device->engine, REGION_GRADIENTS);
    for (int i = 0; i < layer->graph->parameter_count; i++) {
        const struct parameter *parameter = &layer->graph->parameters[i];
        for (int j = 0; j < geometry.piece_count; j++) {
            float *part = arrays->gradients[i] + geometry.pieces[j].first * parameter_count(parameter);
            parameter_to_dense(parameter, flat + j * device->program.flat_count + parameter->offset, part);
        }
    }
}

/* Runs the shards [first, first + count) and leaves their results in `arrays`. */
static void run_range(const struct layer_case *c, enum device_class class, int first, int count, struct arrays *arrays)
{
    struct graph graph;
    struct layer *layer;
    struct device device = {.class = class};
    struct geometry geometry = layer_case_geometry(c, first, count);
    layer_case_build(c, &graph, &layer);
    load(&device, &graph, c, geometry);
    write_inputs(&device, layer, c, geometry, arrays);
    run(&device, geometry);
    read_outputs(&device, layer, c, geometry, arrays);
    engine_destroy(device.engine);
    program_release(&device.program);
    graph_release(&graph);
}

static void check(const struct layer_case *c, const char *what, bool relative, const float *got, const double *wanted,
                  int64_t count)
{
    double largest = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        largest = isnan(wanted[i]) ? largest : fmax(largest, fabs(wanted[i]));
    }
    for (int64_t i = 0; i < count; i++) {
        if (isnan(wanted[i]) && isnan(got[i])) {
            continue;
        }
        double scale = relative ? fabs(wanted[i]) : largest;
        if (!(fabs(got[i] - wanted[i]) <= c->tolerance * scale)) {
            char text[SHAPE_TEXT_SIZE];
            fail_msg("%s %s %s: %s[%" PRId64 "] is %.9g, not %.9g (largest %g)", c->type, c->options,
                     shape_format(c->shape, text), what, i, (double)got[i], wanted[i], largest);
        }
    }
}

static double *widen(const float *array, int64_t count)
{
    double *wide = calloc((size_t)count + 1, sizeof(double));
    assert_non_null(wide);
    for (int64_t i = 0; i < count; i++) {
        wide[i] = array[i];
    }
    return wide;
}

static void read_reference_options(const struct layer_case *c, struct reference *r)
{
    int64_t pair[2];
    struct option option = {.type = OPTION_PAIR, .max = 1 << 20};
    static const char *const names[] = {"kernel=", "stride=", "padding="};
    int *targets[] = {r->kernel, r->stride, r->padding};
    for (int i = 0; i < 3; i++) {
        const char *found = strstr(c->options, names[i]);
        char text[32] = "0";
        if (found != NULL) {
            sscanf(found + strlen(names[i]), "%31s", text);
        }
        assert_ok(option_parse(&option, text, pair));
        for (int j = 0; j < 2; j++) {
            targets[i][j] = i == 1 && pair[j] == 0 ? r->kernel[j] : (int)pair[j];
        }
    }
    const char *p = strstr(c->options, "p=");
    const char *slope = strstr(c->options, "negative_slope=");
    r->p = p != NULL ? atof(p + 2) : 0.5;
    r->slope = slope != NULL ? atof(slope + 15) : strcmp(c->type, "leaky_relu") == 0 ? 0.01 : 0;
    r->epsilon = 1e-5;
    r->count_include_pad = strstr(c->options, "count_include_pad=no") == NULL;
    r->affine = strstr(c->options, "affine=no") == NULL;
    r->global = strstr(c->options, "statistics=global") != NULL;
    r->training = c->mode == TAPE_TRAIN;
    r->seed = SEED;
    r->step = STEP;
}

struct sizes {
    struct shape output;
    int64_t input_count, output_count; /* of the batch */
    int parameter_count;
    int64_t parameter_counts[REFERENCE_PARAMETERS];
};

static struct sizes find_sizes(const struct layer_case *c)
{
    struct graph graph;
    struct layer *layer;
    layer_case_build(c, &graph, &layer);
    int64_t samples = c->shards * c->shard_samples;
    struct sizes sizes = {.output = layer_output_shape(layer, 0), .parameter_count = graph.parameter_count};
    sizes.input_count = samples * shape_count(c->shape);
    sizes.output_count = samples * shape_count(sizes.output);
    for (int i = 0; i < graph.parameter_count; i++) {
        sizes.parameter_counts[i] = parameter_count(&graph.parameters[i]);
    }
    graph_release(&graph);
    return sizes;
}

static void arrays_init(const struct layer_case *c, const struct sizes *sizes, struct arrays *arrays)
{
    for (int i = 0; i < c->input_count; i++) {
        arrays->x[i] = numbers(sizes->input_count);
        arrays->dx[i] = numbers(sizes->input_count);
        fill(arrays->x[i], sizes->input_count, (uint64_t)i, c->offset);
    }
    arrays->y = numbers(sizes->output_count);
    arrays->dy = numbers(sizes->output_count);
    fill(arrays->dy, sizes->output_count, 100, 0.25);
    for (int i = 0; i < sizes->parameter_count; i++) {
        arrays->parameters[i] = numbers(sizes->parameter_counts[i]);
        arrays->gradients[i] = numbers(sizes->parameter_counts[i] * c->shards);
        fill(arrays->parameters[i], sizes->parameter_counts[i], 200 + (uint64_t)i, i % 2 == 1 ? 5 : 0);
    }
}

static void arrays_release(struct arrays *arrays)
{
    for (int i = 0; i < REFERENCE_INPUTS; i++) {
        free(arrays->x[i]);
        free(arrays->dx[i]);
    }
    for (int i = 0; i < REFERENCE_PARAMETERS; i++) {
        free(arrays->parameters[i]);
        free(arrays->gradients[i]);
    }
    free(arrays->y);
    free(arrays->dy);
}

/* Adds the pieces of one run (single shards, or one piece of all) to the first one's place. */
static void sum_gradients(const struct layer_case *c, const struct sizes *sizes, struct arrays *arrays)
{
    struct piece pieces[16];
    const float *data[16];
    for (int i = 0; i < sizes->parameter_count; i++) {
        for (int j = 0; j < c->shards; j++) {
            pieces[j] = (struct piece){j, 1};
            data[j] = arrays->gradients[i] + j * sizes->parameter_counts[i];
        }
        shards_sum(c->shards, pieces, data, c->shards, sizes->parameter_counts[i], arrays->gradients[i]);
    }
}

static void check_against_reference(const struct layer_case *c, const struct sizes *sizes, const struct arrays *arrays)
{
    struct reference r = {.type = c->type,
                          .input_count = c->input_count,
                          .shape = c->shape,
                          .output = sizes->output,
                          .samples = c->shards * c->shard_samples,
                          .shards = c->shards};
    read_reference_options(c, &r);
    double *owned[64];
    int owned_count = 0;
#define OWN(pointer) (owned[owned_count++] = (pointer))
    for (int i = 0; i < c->input_count; i++) {
        r.x[i] = OWN(widen(arrays->x[i], sizes->input_count));
        r.dx[i] = OWN(widen(arrays->dx[i], sizes->input_count));
    }
    r.dy = OWN(widen(arrays->dy, sizes->output_count));
    r.y = OWN(widen(arrays->y, sizes->output_count));
    for (int i = 0; i < sizes->parameter_count; i++) {
        r.parameters[i] = OWN(widen(arrays->parameters[i], sizes->parameter_counts[i]));
        r.gradients[i] = OWN(widen(arrays->gradients[i], sizes->parameter_counts[i]));
    }
#undef OWN
    reference_run(&r);
    check(c, "y", c->relative, arrays->y, r.y, sizes->output_count);
    for (int i = 0; i < c->input_count && c->mode == TAPE_TRAIN; i++) {
        check(c, "dx", false, arrays->dx[i], r.dx[i], sizes->input_count);
    }
    for (int i = 0; i < sizes->parameter_count && c->mode == TAPE_TRAIN; i++) {
        check(c, "gradient", false, arrays->gradients[i], r.gradients[i], sizes->parameter_counts[i]);
    }
    for (int i = 0; i < owned_count; i++) {
        free(owned[i]);
    }
}

static void check_same(const struct layer_case *c, const char *what, const float *a, const float *b, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (memcmp(&a[i], &b[i], sizeof(float)) != 0) {
            fail_msg("%s %s: %s[%" PRId64 "] is %.9g with all shards local, %.9g shard by shard", c->type, c->options,
                     what, i, (double)a[i], (double)b[i]);
        }
    }
}

static void check_shard_by_shard(const struct layer_case *c, enum device_class class, const struct sizes *sizes,
                                 const struct arrays *whole)
{
    struct arrays parts = {0};
    arrays_init(c, sizes, &parts);
    for (int shard = 0; shard < c->shards; shard++) {
        run_range(c, class, shard, 1, &parts);
    }
    sum_gradients(c, sizes, &parts);
    check_same(c, "y", whole->y, parts.y, sizes->output_count);
    for (int i = 0; i < c->input_count; i++) {
        check_same(c, "dx", whole->dx[i], parts.dx[i], sizes->input_count);
    }
    for (int i = 0; i < sizes->parameter_count && c->mode == TAPE_TRAIN; i++) {
        check_same(c, "gradient", whole->gradients[i], parts.gradients[i], sizes->parameter_counts[i]);
    }
    arrays_release(&parts);
}

void layer_case_check(const struct layer_case *c, enum device_class class)
{
    struct sizes sizes = find_sizes(c);
    struct arrays arrays = {0};
    arrays_init(c, &sizes, &arrays);
    run_range(c, class, 0, c->shards, &arrays);
    check_against_reference(c, &sizes, &arrays);
    if (c->shards > 1 && strstr(c->options, "global") == NULL) {
        check_shard_by_shard(c, class, &sizes, &arrays);
    }
    arrays_release(&arrays);
}
