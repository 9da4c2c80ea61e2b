/*
 * Networks of the zoo against torchvision: the same parameters by name, shape and order, and one step's outputs, loss,
 * gradients and running averages.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/lower.h"
#include "models/model.h"
#include "shaders/step.h"
#include "tests/golden/golden.h"

/* Largest difference relative to the array's largest value; errors add up over the depth. */
static const double output_tolerance = 1e-3;

enum { FIRST_PARAMETER = 1000, MAX_PARAMETERS = 400, TEXT_SIZE = 32768, NAME_SIZE = 64, TRAIN = 0, EVALUATE = 1 };

static struct golden_arguments arguments;

struct network_case {
    hid_t group;
    const char *name;
    int64_t seed, samples, shards, classes;
    struct config *config;
    struct model model;
    struct program program;
    struct engine *engine;
    struct geometry geometry;
    int order[MAX_PARAMETERS]; /* of the graph's parameters, as the file has them */
    int parameter_count;
};

/* --- making --------------------------------------------------------------------------------------------------------
 */

static void make_model(struct network_case *test)
{
    char keys[512];
    char text[600];
    int64_t image[3];
    int rank;
    int64_t trained;
    assert_ok(golden_text(test->group, "config", keys, sizeof keys));
    assert_ok(golden_integers(test->group, "image", image, 3, &rank));
    assert_ok(golden_integer(test->group, "trained", &trained));
    snprintf(text, sizeof text, "[model]\n%s", keys);
    assert_ok(config_parse("golden", text, NULL, 0, &test->config));
    const struct model_field fields[] = {
        {.name = "image", .shape = shape_image(image[0], image[1], image[2]), .dtype = DTYPE_FLOAT32},
        {.name = "label", .shape = shape_scalar(), .dtype = DTYPE_INT32}};
    struct model_params params = {.fields = fields, .field_count = 2, .outputs = test->classes, .is_class = true};
    assert_ok(model_create(test->config, &params, &test->model));
    assert_ok(config_check(test->config));
    assert_int_equal(graph_parameter_total(&test->model.graph), trained);
}

static void add_phases(struct network_case *test)
{
    struct geometry *geometry = &test->geometry;
    *geometry = (struct geometry){
        .shards = (int)test->shards, .shard_count = (int)test->shards, .shard_samples = test->samples / test->shards};
    geometry->piece_count = shards_pieces(geometry->shards, 0, geometry->shards, PIECE_MAX_SHARDS, geometry->pieces,
                                          (int)COUNT_OF(geometry->pieces));
    assert_int_equal(geometry->piece_count, 1);
    struct lower_params lower = {.graph = &test->model.graph,
                                 .device_class = engine_class(test->engine),
                                 .tuning = engine_tuning(test->engine),
                                 .lanes = engine_lanes(test->engine),
                                 .flat_count = test->program.flat_count,
                                 .geometry = *geometry,
                                 .observed = &test->model.prediction,
                                 .observed_count = 1};
    int phase;
    lower.mode = TAPE_TRAIN;
    assert_ok(program_add_phase(&test->program, "train", &lower, false, &phase));
    assert_int_equal(phase, TRAIN);
    lower.mode = TAPE_EVALUATE;
    assert_ok(program_add_phase(&test->program, "evaluate", &lower, false, &phase));
    assert_int_equal(phase, EVALUATE);
}

static void make(struct network_case *test)
{
    assert_ok(golden_integer(test->group, "seed", &test->seed));
    assert_ok(golden_integer(test->group, "samples", &test->samples));
    assert_ok(golden_integer(test->group, "shards", &test->shards));
    assert_ok(golden_integer(test->group, "classes", &test->classes));
    make_model(test);
    assert_ok(program_init(&test->program, &test->model.graph, PROGRAM_BLOCK));
    program_reserve(&test->program, 1, 0);
    assert_ok(engine_create(&arguments.engine, &test->engine));
    add_phases(test);
    assert_ok(engine_load(test->engine, &test->program));
}

static void release(struct network_case *test)
{
    engine_destroy(test->engine);
    program_release(&test->program);
    model_release(&test->model);
    config_destroy(test->config);
}

/* --- what goes in --------------------------------------------------------------------------------------------------
 */

static const struct parameter *parameter_of(const struct network_case *test, int i)
{
    return &test->model.graph.parameters[test->order[i]];
}

static void write_parameter(struct network_case *test, int i, double low, double high)
{
    const struct parameter *parameter = parameter_of(test, i);
    float *parameters = engine_host(test->engine, REGION_PARAMETERS);
    float *values;
    assert_ok(golden_draw(test->seed, FIRST_PARAMETER + i, parameter_count(parameter), low, high, &values));
    parameter_from_dense(parameter, values, parameters + parameter->offset);
    free(values);
}

/* Each of the file's parameters, in its order: "conv1.weight 64x3x7x7 -0.2 0.2". There must be no others. */
static void write_parameters(struct network_case *test)
{
    static char text[TEXT_SIZE];
    assert_ok(golden_text(test->group, "parameters", text, sizeof text));
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char name[NAME_SIZE];
        char shape[NAME_SIZE];
        double low;
        double high;
        assert_int_equal(sscanf(line, "%63s %63s %lf %lf", name, shape, &low, &high), 4);
        int index = graph_find_parameter(&test->model.graph, name);
        if (index < 0) {
            fail_msg("%s: there is no parameter %s", test->name, name);
        }
        int i = test->parameter_count++;
        assert_true(i < MAX_PARAMETERS);
        test->order[i] = index;
        char actual[NAME_SIZE] = "";
        for (int axis = 0, length = 0; axis < parameter_of(test, i)->rank; axis++) {
            length += snprintf(actual + length, sizeof actual - (size_t)length, "%s%lld", axis > 0 ? "x" : "",
                               (long long)parameter_of(test, i)->dim[axis]);
        }
        assert_string_equal(actual, shape);
        write_parameter(test, i, low, high);
    }
    assert_int_equal(test->parameter_count, test->model.graph.parameter_count);
    assert_ok(engine_push(test->engine, REGION_PARAMETERS, 0, (uint64_t)test->program.flat_count * sizeof(float)));
}

static void *tensor_memory(const struct network_case *test, int phase, int tensor)
{
    const struct phase *place = test->program.phases[phase];
    assert_true(tensor != TENSOR_NONE && place->tape.tensors[tensor].region != REGION_ARENA);
    unsigned char *region = engine_host(test->engine, place->tape.tensors[tensor].region);
    return region + place->plan.offsets[tensor];
}

static void write_batch(const struct network_case *test, int phase)
{
    const struct tape *tape = &test->program.phases[phase]->tape;
    struct shape shape = test->model.graph.values[test->model.inputs[0]].shape;
    int64_t count = shape_count(shape);
    int64_t elements = shape_elements(shape, DTYPE_FLOAT32);
    float *images;
    uint32_t *labels;
    assert_ok(golden_draw(test->seed, GOLDEN_INPUT, test->samples * count, -1.0, 1.0, &images));
    assert_ok(golden_draw_words(test->seed, GOLDEN_LABEL, test->samples, &labels));
    float *memory = tensor_memory(test, phase, lower_value_tensor(tape, test->model.inputs[0]));
    int32_t *targets = tensor_memory(test, phase, lower_value_tensor(tape, test->model.inputs[1]));
    float *weights = tensor_memory(test, phase, tape->weights_tensor);
    memset(memory, 0, (size_t)(test->samples * elements) * sizeof *memory);
    for (int64_t sample = 0; sample < test->samples; sample++) {
        for (int64_t i = 0; i < count; i++) {
            int64_t place = i % shape_positions(shape) * shape_stride(shape) + i / shape_positions(shape);
            memory[sample * elements + place] = images[sample * count + i];
        }
        targets[sample] = (int32_t)(labels[sample] % (uint32_t)test->classes);
        weights[sample] = 1.0F;
    }
    free(images);
    free(labels);
}

static void run(const struct network_case *test, int phase)
{
    write_batch(test, phase);
    assert_ok(engine_begin(test->engine, phase));
    struct engine_event event;
    do {
        assert_ok(engine_poll(test->engine, 1000000, &event));
        assert_int_not_equal(event.kind, EVENT_HOST);
    } while (event.kind != EVENT_DONE);
}

/* --- what comes out ------------------------------------------------------------------------------------------------
 */

static void compare_output(const struct network_case *test, int phase, const char *name)
{
    int64_t stride = shape_stride(shape_vector(test->classes));
    const float *memory =
        tensor_memory(test, phase, lower_value_tensor(&test->program.phases[phase]->tape, test->model.prediction));
    float *dense;
    double error;
    assert_ok(memory_allocate((size_t)(test->samples * test->classes), sizeof *dense, &dense));
    for (int64_t i = 0; i < test->samples * test->classes; i++) {
        dense[i] = memory[i / test->classes * stride + i % test->classes];
    }
    assert_ok(golden_compare(test->group, name, test->seed, dense, test->samples * test->classes, &error));
    print_message("    %s differs by %.2g\n", name, error);
    if (!(error <= output_tolerance)) {
        fail_msg("%s: %s differs by %g", test->name, name, error);
    }
    free(dense);
}

static void compare_loss(const struct network_case *test)
{
    double expected;
    double actual = 0.0;
    const float *metrics = tensor_memory(test, TRAIN, test->program.phases[TRAIN]->tape.metrics_tensor);
    assert_ok(golden_number(test->group, "loss", &expected));
    for (int64_t shard = 0; shard < test->shards; shard++) {
        actual += (double)metrics[shard * METRIC_COUNT];
    }
    if (!(fabs(actual - expected) <= output_tolerance * expected)) {
        fail_msg("%s: the loss is %.9g instead of %.9g", test->name, actual, expected);
    }
}

/* How far an array's product with the drawn one is off, relative to the array's norm. */
static double compare_product(const struct network_case *test, int i, const float *gradients, double product,
                              double norm)
{
    const struct parameter *parameter = parameter_of(test, i);
    int64_t count = parameter_count(parameter);
    float *dense;
    float *witness;
    double actual = 0.0;
    assert_ok(memory_allocate((size_t)count, sizeof *dense, &dense));
    assert_ok(golden_draw(test->seed, GOLDEN_WITNESS, count, -1.0, 1.0, &witness));
    parameter_to_dense(parameter, gradients + parameter->offset, dense);
    const float *values = (const float *)engine_host(test->engine, REGION_PARAMETERS) + parameter->offset;
    for (int64_t j = 0; j < count; j++) {
        double value = (double)dense[j];
        if (parameter->kind == PARAMETER_BUFFER) {
            double momentum = (double)parameter->momentum;
            value = (1.0 - momentum) * (double)values[j] + momentum * value / (double)test->shards;
        }
        actual += value * (double)witness[j];
    }
    free(dense);
    free(witness);
    return fabs(actual - product) / norm;
}

static void compare_gradients(const struct network_case *test)
{
    double products[MAX_PARAMETERS];
    double norms[MAX_PARAMETERS];
    int count;
    double worst = 0.0;
    double tolerance;
    assert_ok(golden_number(test->group, "tolerance", &tolerance));
    assert_ok(golden_numbers(test->group, "products", products, MAX_PARAMETERS, &count));
    assert_int_equal(count, test->parameter_count);
    assert_ok(golden_numbers(test->group, "norms", norms, MAX_PARAMETERS, &count));
    assert_ok(engine_pull(test->engine, REGION_GRADIENTS, 0, (uint64_t)test->program.flat_count * sizeof(float)));
    const float *gradients = engine_host(test->engine, REGION_GRADIENTS);
    for (int i = 0; i < count; i++) {
        double error = compare_product(test, i, gradients, products[i], norms[i]);
        if (!(error <= tolerance)) {
            fail_msg("%s: the gradient (or average) of %s differs by %g", test->name, parameter_of(test, i)->name,
                     error);
        }
        worst = fmax(worst, error);
    }
    print_message("    gradients differ by %.2g\n", worst);
}

static enum status run_case(void *context, hid_t group, const char *name)
{
    int *cases = context;
    struct network_case test = {.group = group, .name = name};
    print_message("  %s\n", name);
    make(&test);
    write_parameters(&test);
    run(&test, EVALUATE);
    compare_output(&test, EVALUATE, "evaluated");
    struct step_scalars *scalars = engine_host(test.engine, REGION_STEP);
    scalars->loss_scale = (float)(1.0 / (double)test.samples);
    run(&test, TRAIN);
    compare_output(&test, TRAIN, "trained_output");
    compare_loss(&test);
    compare_gradients(&test);
    release(&test);
    (*cases)++;
    return STATUS_OK;
}

static void networks_follow_torchvision(void **state)
{
    (void)state;
    hid_t file;
    int cases = 0;
    assert_ok(golden_open(arguments.folder, "network", &file));
    assert_ok(golden_each(file, run_case, &cases));
    H5Fclose(file);
    assert_true(cases > 0);
}

int main(int argc, char **argv)
{
    if (golden_parse(argc, argv, &arguments) != STATUS_OK) {
        fprintf(stderr, "%s\n", status_message());
        return 2;
    }
    if (!golden_can_run(&arguments)) {
        printf("%s\n", status_message());
        return GOLDEN_SKIPPED;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(networks_follow_torchvision)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
