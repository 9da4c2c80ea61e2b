/*
 * Fused layers (compute/graph/fuse.h): which ones are, and that a network gives the same bits with and without, in
 * training and evaluation, on the kernels of both classes. LEMNOS_TEST_VALIDATION=1 turns validation layers on.
 */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/engine.h"
#include "compute/graph/fuse.h"
#include "models/network.h"
#include "shaders/step.h"

enum { SHARDS = 2, SHARD_SAMPLES = 2, SAMPLES = SHARDS * SHARD_SAMPLES, CLASSES = 5, PARAMETER_STREAM = 100 };

/* From the value `input` to the one that is observed. */
typedef void build_network(struct network *network, int *value);

struct test {
    struct graph graph;
    struct program program;
    struct engine *engine;
    int input, target, prediction;
};

static void build(struct test *test, struct shape shape, build_network *add_layers)
{
    struct network network = {.graph = &test->graph};
    int value;
    graph_init(&test->graph);
    assert_ok(graph_add_input(&test->graph, "image", shape, DTYPE_FLOAT32, &test->input));
    assert_ok(graph_add_input(&test->graph, "label", shape_scalar(), DTYPE_INT32, &test->target));
    value = test->input;
    add_layers(&network, &value);
    test->prediction = value;
    assert_ok(network_join(&network, &value, test->target, "softmax_cross_entropy", "loss"));
}

static struct lower_params make_params(const struct test *test, enum tape_mode mode, enum device_class class)
{
    return (struct lower_params){.graph = &test->graph,
                                 .mode = mode,
                                 .device_class = class,
                                 .flat_count = test->program.flat_count,
                                 .geometry = {.shards = SHARDS,
                                              .shard_count = SHARDS,
                                              .shard_samples = SHARD_SAMPLES,
                                              .pieces = {{.first = 0, .count = SHARDS}},
                                              .piece_count = 1},
                                 .observed = &test->prediction,
                                 .observed_count = 1};
}

/* --- which layers ------------------------------------------------------------------------------------------------ */

static int layer_index(const struct graph *graph, const char *name)
{
    for (int i = 0; i < graph->layer_count; i++) {
        if (strcmp(graph->layers[i]->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* `pairs`: "relu conv1 ...": what is absorbed by what; nothing else is. Absorbed layers run nothing forward. */
static void expect_pairs(const struct test *test, const struct tape *tape, const char *pairs)
{
    char text[512];
    char *rest = NULL;
    int expected = 0;
    int actual = 0;
    snprintf(text, sizeof text, "%s", pairs);
    for (char *name = strtok_r(text, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        int layer = layer_index(&test->graph, name);
        int absorber = layer_index(&test->graph, strtok_r(NULL, " ", &rest));
        if (tape->absorbers[layer] != absorber) {
            fail_msg("%s is absorbed by layer %d instead of %d (%s)", name, tape->absorbers[layer], absorber, pairs);
        }
        expected++;
    }
    for (int i = 0; i < test->graph.layer_count; i++) {
        actual += tape->absorbers[i] >= 0;
    }
    assert_int_equal(actual, expected);
    for (int i = 0; i < tape->step_count; i++) {
        const struct tape_step *step = &tape->steps[i];
        bool absorbed = step->layer >= 0 && tape->absorbers[step->layer] >= 0;
        assert_false(absorbed && step->kind == STEP_DISPATCH && strcmp(step->dispatch.kernel, "add_forward") == 0);
        bool folds = step->kind == STEP_DISPATCH && strcmp(step->dispatch.kernel, "batch_norm_fold") == 0;
        assert_false(absorbed && step->pass == PASS_FORWARD && !folds);
        assert_false(absorbed && step->pass == PASS_BACKWARD && fuse_is_derived(tape, test->graph.layers[step->layer]));
    }
}

static void expect(build_network *network, const char *train, const char *evaluate)
{
    struct test test = {0};
    build(&test, shape_image(6, 8, 8), network);
    assert_ok(program_init(&test.program, &test.graph, PROGRAM_BLOCK));
    const char *const pairs[] = {[TAPE_TRAIN] = train, [TAPE_EVALUATE] = evaluate};
    for (enum tape_mode mode = TAPE_TRAIN; mode <= TAPE_EVALUATE; mode++) {
        struct lower_params params = make_params(&test, mode, CLASS_CPU);
        struct tape tape;
        assert_ok(lower(&params, &tape));
        expect_pairs(&test, &tape, pairs[mode]);
        tape_release(&tape);
        params.unfused = true;
        assert_ok(lower(&params, &tape));
        expect_pairs(&test, &tape, "");
        tape_release(&tape);
    }
    program_release(&test.program);
    graph_release(&test.graph);
}

static void add(struct network *network, int *value, const char *type, const char *name)
{
    assert_ok(network_add(network, value, type, name));
}

static void convolve(struct network *network, int *value, const char *name, const char *options)
{
    assert_ok(network_add_with(network, value, "conv2d", name, "%s", options));
}

static void head(struct network *network, int *value)
{
    add(network, value, "flatten", "flatten");
    assert_ok(network_add_with(network, value, "linear", "head", "features = %d", CLASSES));
}

static void chain(struct network *network, int *value)
{
    convolve(network, value, "conv1", "channels = 6, kernel = 1");
    add(network, value, "batch_norm", "bn1");
    add(network, value, "relu", "relu1");
    convolve(network, value, "conv2", "channels = 6, kernel = 1");
    add(network, value, "tanh", "tanh2");
    add(network, value, "sigmoid", "sigmoid2");
    add(network, value, "batch_norm", "bn2");
    add(network, value, "batch_norm", "bn3");
    add(network, value, "flatten", "flatten3"); /* absorbs nothing */
    add(network, value, "tanh", "tanh3");
    add(network, value, "sigmoid", "sigmoid3");
    head(network, value);
}

static void several_readers(struct network *network, int *value)
{
    convolve(network, value, "conv1", "channels = 6, kernel = 1");
    int shared = *value;
    add(network, value, "batch_norm", "bn1");
    int normalised = *value;
    *value = shared;
    add(network, value, "relu", "relu1"); /* the last reader of conv1, not the only one */
    assert_ok(network_join(network, value, normalised, "add", "add1"));
    add(network, value, "relu", "relu2");
    assert_ok(network_join(network, value, *value, "add", "add2"));
    head(network, value);
}

/* The prediction is seen by the host. */
static void observed(struct network *network, int *value)
{
    head(network, value);
}

static void dropped(struct network *network, int *value)
{
    convolve(network, value, "conv1", "channels = 6, kernel = 1");
    add(network, value, "dropout", "dropout1");
    add(network, value, "relu", "relu1");
    head(network, value);
}

static void join(struct network *network, int *value, int other, const char *name)
{
    assert_ok(network_join(network, value, other, "add", name));
}

/* What is added is there before the layer that could add it; or is not. */
static void residuals(struct network *network, int *value)
{
    int shared = *value;
    convolve(network, value, "conv1", "channels = 6, kernel = 1");
    join(network, value, shared, "add1"); /* what is given */
    add(network, value, "relu", "relu1");
    shared = *value;
    convolve(network, value, "conv2", "channels = 6, kernel = 1");
    add(network, value, "batch_norm", "bn2");
    join(network, value, shared, "add2");
    add(network, value, "relu", "relu2");
    shared = *value;
    int shortcut = shared;
    convolve(network, value, "conv3", "channels = 6, kernel = 1");
    add(network, value, "batch_norm", "bn3");
    convolve(network, &shortcut, "conv4", "channels = 6, kernel = 1");
    add(network, &shortcut, "batch_norm", "bn4");
    join(network, value, shortcut, "add3"); /* by the later of both */
    join(network, value, shared, "add4");   /* a second sum */
    add(network, value, "relu", "relu4");
    shared = *value;
    int other = shared;
    convolve(network, value, "conv5", "channels = 6, kernel = 1");
    convolve(network, &other, "conv6", "channels = 6, kernel = 1");
    add(network, value, "tanh", "tanh5"); /* behind conv6, but written by conv5 */
    join(network, value, other, "add5");
    add(network, value, "batch_norm", "bn5");
    join(network, value, shared, "add6");
    join(network, value, shared, "add7");
    head(network, value);
}

static void values_with_one_reader_vanish(void **state)
{
    (void)state;
    expect(chain, "relu1 bn1 tanh2 conv2", "bn1 conv1 relu1 conv1 tanh2 conv2 sigmoid3 tanh3");
    expect(several_readers, "relu2 add1", "relu2 add1");
    expect(observed, "", "");
    expect(dropped, "", "");
    expect(residuals, "add1 conv1 relu1 conv1 add2 bn2 relu2 bn2 add3 bn4 relu4 add4 tanh5 conv5 add5 conv6 add6 bn5",
           "add1 conv1 relu1 conv1 bn2 conv2 add2 conv2 relu2 conv2 bn3 conv3 bn4 conv4 add3 conv4 relu4 add4 "
           "tanh5 conv5 add5 conv6 add6 bn5");
}

static int count_kernels(const struct tape *tape, const char *kernel)
{
    int count = 0;
    for (int i = 0; i < tape->step_count; i++) {
        count += tape->steps[i].kind == STEP_DISPATCH && strcmp(tape->steps[i].dispatch.kernel, kernel) == 0;
    }
    return count;
}

/* relu1 is done by bn1, and its gradient's sum too is bn1's to read; relu2 adds the last of three. */
static void joined(struct network *network, int *value)
{
    convolve(network, value, "conv1", "channels = 6, kernel = 1");
    add(network, value, "batch_norm", "bn1");
    add(network, value, "relu", "relu1");
    int shared = *value;
    convolve(network, value, "conv2", "channels = 6, kernel = 1");
    assert_ok(network_join(network, value, shared, "add", "add1"));
    add(network, value, "relu", "relu2");
    shared = *value;
    convolve(network, value, "conv3", "channels = 6, kernel = 1");
    assert_ok(network_join(network, value, shared, "add", "add2"));
    assert_ok(network_join(network, value, shared, "add", "add3"));
    head(network, value);
}

static void backward_passes_are_joined(void **state)
{
    (void)state;
    struct test test = {0};
    build(&test, shape_image(6, 8, 8), joined);
    assert_ok(program_init(&test.program, &test.graph, PROGRAM_BLOCK));
    struct lower_params params = make_params(&test, TAPE_TRAIN, CLASS_CPU);
    static const int expected[2][2] = {{2, 1}, {3, 2}}; /* sums of gradients, derivatives: fused, unfused */
    for (int i = 0; i < 2; i++) {
        struct tape tape;
        params.unfused = i == 1;
        assert_ok(lower(&params, &tape));
        assert_int_equal(count_kernels(&tape, "gradient_sum"), expected[i][0]);
        assert_int_equal(count_kernels(&tape, "map_backward"), expected[i][1]);
        tape_release(&tape);
    }
    program_release(&test.program);
    graph_release(&test.graph);
}

static void what_the_host_sees_stays(void **state)
{
    (void)state;
    struct test test = {0};
    build(&test, shape_image(6, 8, 8), chain);
    assert_ok(program_init(&test.program, &test.graph, PROGRAM_BLOCK));
    int seen = test.graph.layers[layer_index(&test.graph, "bn1")]->outputs[0];
    int *const lists[] = {&seen, &seen, &seen};
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct lower_params params = make_params(&test, TAPE_TRAIN, CLASS_CPU);
        const int **list = i == 0 ? &params.observed : i == 1 ? &params.seeded : &params.observed_gradients;
        int *count = i == 0 ? &params.observed_count : i == 1 ? &params.seeded_count : &params.observed_gradient_count;
        struct tape tape;
        *list = lists[i];
        *count = 1;
        assert_ok(lower(&params, &tape));
        expect_pairs(&test, &tape, "tanh2 conv2");
        tape_release(&tape);
    }
    program_release(&test.program);
    graph_release(&test.graph);
}

/* --- the same bits ------------------------------------------------------------------------------------------------ */

enum { FUSED, UNFUSED, FUSED_EVALUATION, UNFUSED_EVALUATION, PHASES };

static void fill(float *array, int64_t count, int stream, double low, double high)
{
    struct random random;
    random_init(&random, 5, RANDOM_DATA, (uint64_t)stream);
    for (int64_t i = 0; i < count; i++) {
        array[i] = (float)random_uniform(&random, low, high);
    }
}

static void *tensor_memory(const struct test *test, int phase, int tensor)
{
    const struct phase *place = test->program.phases[phase];
    assert_true(tensor != TENSOR_NONE && place->tape.tensors[tensor].region != REGION_ARENA);
    unsigned char *region = engine_host(test->engine, place->tape.tensors[tensor].region);
    return region + place->plan.offsets[tensor];
}

static void write_parameters(const struct test *test)
{
    float *flat = engine_host(test->engine, REGION_PARAMETERS);
    for (int i = 0; i < test->graph.parameter_count; i++) {
        const struct parameter *parameter = &test->graph.parameters[i];
        int64_t count = parameter_count(parameter);
        bool positive = strstr(parameter->name, "running_var") != NULL;
        float *dense;
        assert_ok(memory_allocate((size_t)count, sizeof *dense, &dense));
        fill(dense, count, PARAMETER_STREAM + i, positive ? 0.5 : -0.5, positive ? 2.0 : 0.5);
        parameter_from_dense(parameter, dense, flat + parameter->offset);
        free(dense);
    }
    assert_ok(engine_push(test->engine, REGION_PARAMETERS, 0, test->program.region_sizes[REGION_PARAMETERS]));
    struct step_scalars *scalars = engine_host(test->engine, REGION_STEP);
    scalars->loss_scale = 1.0F / SAMPLES;
}

static void write_batch(const struct test *test, int phase)
{
    const struct tape *tape = &test->program.phases[phase]->tape;
    struct shape shape = test->graph.values[test->input].shape;
    int64_t stride = shape_stride(shape);
    int64_t rows = SAMPLES * shape_positions(shape);
    float *image = tensor_memory(test, phase, lower_value_tensor(tape, test->input));
    int32_t *target = tensor_memory(test, phase, lower_value_tensor(tape, test->target));
    float *weights = tensor_memory(test, phase, tape->weights_tensor);
    fill(image, rows * stride, 1, -1, 1);
    for (int64_t i = 0; i < rows * stride; i++) {
        image[i] = i % stride < shape_channels(shape) ? image[i] : 0.0F;
    }
    for (int i = 0; i < SAMPLES; i++) {
        target[i] = i % CLASSES;
        weights[i] = 1.0F;
    }
}

struct results {
    unsigned char *bytes;
    size_t predictions, gradients;
};

static struct results run(const struct test *test, int phase)
{
    struct results results = {0};
    const struct tape *tape = &test->program.phases[phase]->tape;
    int tensor = lower_value_tensor(tape, test->prediction);
    void *gradients = engine_host(test->engine, REGION_GRADIENTS);
    results.predictions = tape->tensors[tensor].size;
    results.gradients = tape->mode == TAPE_TRAIN ? test->program.region_sizes[REGION_GRADIENTS] : 0;
    assert_ok(memory_allocate(results.predictions + results.gradients, 1, &results.bytes));
    write_batch(test, phase);
    memset(gradients, 0, test->program.region_sizes[REGION_GRADIENTS]);
    assert_ok(engine_begin(test->engine, phase));
    struct engine_event event;
    do {
        assert_ok(engine_poll(test->engine, 1000000, &event));
        assert_int_not_equal(event.kind, EVENT_HOST);
    } while (event.kind != EVENT_DONE);
    memcpy(results.bytes, tensor_memory(test, phase, tensor), results.predictions);
    if (results.gradients > 0) {
        assert_ok(engine_pull(test->engine, REGION_GRADIENTS, 0, results.gradients));
        memcpy(results.bytes + results.predictions, gradients, results.gradients);
    }
    return results;
}

static void compare(const struct test *test, const char *name, int fused, int unfused)
{
    struct results got = run(test, fused);
    struct results wanted = run(test, unfused);
    float norm = 0;
    for (size_t i = 0; i < got.predictions; i += sizeof(float)) {
        float value;
        memcpy(&value, got.bytes + i, sizeof value);
        norm += value * value;
    }
    assert_true(norm > 0.0F && norm < 1e9F);
    for (size_t i = 0; i < got.predictions + got.gradients; i++) {
        if (got.bytes[i] != wanted.bytes[i]) {
            fail_msg("%s: %s differ from byte %zu on", name, i < got.predictions ? "predictions" : "gradients", i);
        }
    }
    free(got.bytes);
    free(wanted.bytes);
    assert_true(test->program.phases[fused]->tape.step_count < test->program.phases[unfused]->tape.step_count);
    /* Rows of folded layers may take more than a small value did, and values that live otherwise leave other gaps. */
    assert_true(test->program.phases[fused]->plan.arena_size <= test->program.phases[unfused]->plan.arena_size + 12288);
}

static void check_bits(const char *name, struct shape shape, build_network *network, enum device_class class)
{
    struct test test = {0};
    build(&test, shape, network);
    assert_ok(program_init(&test.program, &test.graph, PROGRAM_BLOCK));
    program_reserve(&test.program, 1, 0);
    for (int i = 0; i < PHASES; i++) {
        bool trains = i == FUSED || i == UNFUSED;
        struct lower_params params = make_params(&test, trains ? TAPE_TRAIN : TAPE_EVALUATE, class);
        params.unfused = i == UNFUSED || i == UNFUSED_EVALUATION;
        int phase;
        assert_ok(program_add_phase(&test.program, name, &params, false, &phase));
        assert_int_equal(phase, i);
    }
    const struct engine_params engine = {.kind = ENGINE_VULKAN,
                                         .device = -1,
                                         .device_class = (int)class,
                                         .share_device = true,
                                         .validation = getenv("LEMNOS_TEST_VALIDATION") != NULL};
    assert_ok(engine_create(&engine, &test.engine));
    assert_ok(engine_load(test.engine, &test.program));
    write_parameters(&test);
    compare(&test, name, FUSED, UNFUSED);
    compare(&test, name, FUSED_EVALUATION, UNFUSED_EVALUATION);
    engine_destroy(test.engine);
    program_release(&test.program);
    graph_release(&test.graph);
}

/* By every kernel that convolutions and linear layers have; odd numbers of channels, so that there is padding. */
static void products(struct network *network, int *value)
{
    convolve(network, value, "direct", "channels = 5, kernel = 3, algorithm = direct");
    add(network, value, "sigmoid", "sigmoid1");
    convolve(network, value, "winograd", "channels = 6, kernel = 3, padding = 1, algorithm = winograd");
    add(network, value, "leaky_relu", "leaky_relu");
    convolve(network, value, "grouped", "channels = 9, kernel = 2, groups = 3");
    add(network, value, "tanh", "tanh");
    convolve(network, value, "depthwise", "channels = 9, kernel = 3, groups = 9, bias = no");
    add(network, value, "sigmoid", "sigmoid2");
    convolve(network, value, "pointwise", "channels = 3, kernel = 1"); /* its weights' gradient sees the padding */
    add(network, value, "flatten", "flatten");
    assert_ok(network_add_with(network, value, "linear", "linear", "features = 7"));
    add(network, value, "sigmoid", "sigmoid3");
    assert_ok(network_add_with(network, value, "linear", "head", "features = %d, bias = no", CLASSES));
}

static void normalised(struct network *network, int *value)
{
    convolve(network, value, "direct", "channels = 5, kernel = 3, algorithm = direct");
    add(network, value, "batch_norm", "bn1");
    add(network, value, "sigmoid", "sigmoid1");
    convolve(network, value, "winograd", "channels = 6, kernel = 3, padding = 1, algorithm = winograd, bias = no");
    add(network, value, "batch_norm", "bn2");
    int shared = *value;
    convolve(network, value, "grouped", "channels = 6, kernel = 3, padding = 1, groups = 2");
    assert_ok(network_add_with(network, value, "batch_norm", "bn3", "affine = no"));
    add(network, value, "relu", "relu");
    convolve(network, value, "pointwise", "channels = 6, kernel = 1, bias = no");
    add(network, value, "batch_norm", "bn4");
    assert_ok(network_join(network, value, shared, "add", "add"));
    add(network, value, "sigmoid", "sigmoid2");
    convolve(network, value, "last", "channels = 3, kernel = 1");
    add(network, value, "flatten", "flatten");
    assert_ok(network_add_with(network, value, "linear", "linear", "features = 7"));
    add(network, value, "batch_norm", "bn5");
    add(network, value, "tanh", "tanh");
    assert_ok(network_add_with(network, value, "linear", "head", "features = %d", CLASSES));
}

/* Sums that class gpu cuts into parts; and a map behind a map, which only evaluation fuses. */
static void cut(struct network *network, int *value)
{
    assert_ok(network_add_with(network, value, "linear", "linear1", "features = 10"));
    add(network, value, "batch_norm", "bn");
    add(network, value, "sigmoid", "sigmoid1");
    assert_ok(network_add_with(network, value, "linear", "linear2", "features = 9"));
    add(network, value, "relu", "relu");
    int shared = *value;
    assert_ok(network_join(network, value, shared, "add", "add"));
    add(network, value, "tanh", "tanh");
    add(network, value, "sigmoid", "sigmoid2");
    assert_ok(network_add_with(network, value, "linear", "head", "features = %d", CLASSES));
    add(network, value, "flatten", "flatten");
    add(network, value, "tanh", "tanh2");
    add(network, value, "sigmoid", "last"); /* observed, with its padding */
}

/* Sums with what is there before, by every kernel that can; some behind batch_norm, some before an activation. */
static void added(struct network *network, int *value)
{
    convolve(network, value, "first", "channels = 9, kernel = 3");
    int shared = *value;
    convolve(network, value, "direct", "channels = 9, kernel = 3, padding = 1, algorithm = direct");
    join(network, value, shared, "add1");
    add(network, value, "sigmoid", "sigmoid1");
    convolve(network, value, "winograd", "channels = 9, kernel = 3, padding = 1, algorithm = winograd");
    join(network, value, shared, "add2");
    convolve(network, value, "grouped", "channels = 9, kernel = 3, padding = 1, groups = 3");
    join(network, value, shared, "add3");
    add(network, value, "tanh", "tanh3");
    convolve(network, value, "depthwise", "channels = 9, kernel = 3, padding = 1, groups = 9");
    join(network, value, shared, "add4");
    add(network, value, "leaky_relu", "leaky_relu4");
    shared = *value;
    convolve(network, value, "pointwise", "channels = 9, kernel = 1, bias = no");
    add(network, value, "batch_norm", "bn5");
    join(network, value, shared, "add5");
    add(network, value, "sigmoid", "sigmoid5");
    convolve(network, value, "winograd2", "channels = 9, kernel = 3, padding = 1, algorithm = winograd, bias = no");
    assert_ok(network_add_with(network, value, "batch_norm", "bn6", "affine = no"));
    join(network, value, shared, "add6");
    convolve(network, value, "depthwise2", "channels = 9, kernel = 3, padding = 1, groups = 9, bias = no");
    add(network, value, "batch_norm", "bn7");
    join(network, value, shared, "add7");
    add(network, value, "relu", "relu7");
    convolve(network, value, "grouped2", "channels = 9, kernel = 1, groups = 3, bias = no");
    add(network, value, "batch_norm", "bn8");
    join(network, value, shared, "add8");
    add(network, value, "flatten", "flatten");
    assert_ok(network_add_with(network, value, "linear", "linear", "features = 7"));
    shared = *value;
    assert_ok(network_add_with(network, value, "linear", "linear9", "features = 7"));
    join(network, value, shared, "add9");
    assert_ok(network_add_with(network, value, "linear", "linear10", "features = 7, bias = no"));
    join(network, value, shared, "add10");
    add(network, value, "relu", "relu10");
    assert_ok(network_add_with(network, value, "linear", "head", "features = %d", CLASSES));
}

static void cut_added(struct network *network, int *value)
{
    int shared = *value;
    assert_ok(network_add_with(network, &shared, "linear", "linear1", "features = 10"));
    assert_ok(network_add_with(network, value, "linear", "linear2", "features = 10"));
    join(network, value, shared, "add2");
    add(network, value, "sigmoid", "sigmoid2");
    assert_ok(network_add_with(network, value, "linear", "head", "features = %d", CLASSES));
}

static void bits_are_the_same(void **state)
{
    (void)state;
    for (enum device_class class = CLASS_CPU; class <= CLASS_GPU; class ++) {
        check_bits("products", shape_image(3, 9, 10), products, class);
        check_bits("normalised", shape_image(3, 9, 10), normalised, class);
        check_bits("joined", shape_image(3, 5, 6), joined, class);
        check_bits("cut", shape_vector(2050), cut, class);
        check_bits("added", shape_image(3, 9, 10), added, class);
        check_bits("added to parts", shape_vector(2050), cut_added, class);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_with_one_reader_vanish),
        cmocka_unit_test(backward_passes_are_joined),
        cmocka_unit_test(what_the_host_sees_stays),
        cmocka_unit_test(bits_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
