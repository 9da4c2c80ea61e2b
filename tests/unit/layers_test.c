/*
 * Layers on a device against their formulas in double precision, and the same bits for any number of local shards.
 * LEMNOS_TEST_LAYER=NAME in the environment runs one type's cases; LEMNOS_TEST_VALIDATION=1 turns validation layers on.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include "base/memory.h"
#include "base/random.h"
#include "compute/graph/lower.h"
#include "compute/graph/program.h"
#include "shaders/lib/range.h"
#include "tests/unit/layers_check.h"
#include "tests/unit/layers_reference.h"

static void check_all(const struct layer_case *cases, size_t count)
{
    const char *only = getenv("LEMNOS_TEST_LAYER");
    for (size_t i = 0; i < count; i++) {
        if (only == NULL || strcmp(only, cases[i].type) == 0) {
            layer_case_check(&cases[i], CLASS_CPU);
        }
    }
}

#define MAP(type, options, tolerance)                                                                                  \
    {type, options, IMAGE(3, 5, 7), 1, 3, 2, 0, tolerance, true, TAPE_TRAIN},                                          \
        {type, options, IMAGE(3, 5, 7), 1, 1, 2, 0, tolerance, true, TAPE_EVALUATE},                                   \
        {type, options, VECTOR(70001), 1, 2, 1, 0, tolerance, true, TAPE_TRAIN},                                       \
        {type, options, SEQUENCE(9, 6), 1, 1, 3, 0, tolerance, true, TAPE_TRAIN},                                      \
    {                                                                                                                  \
        type, options, IMAGE(1, 1, 1), 1, 8, 1, 0, tolerance, true, TAPE_TRAIN                                         \
    }

static void test_activations(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        MAP("relu", "", 0),
        MAP("leaky_relu", "", 1e-6),
        MAP("tanh", "", 2e-6),
        MAP("leaky_relu", "negative_slope=0.2", 1e-6),
        MAP("sigmoid", "", 1e-6),
        {"sigmoid", "", VECTOR(3), 1, 1, 4, -80, 1e-6, true, TAPE_TRAIN},
        {"sigmoid", "", VECTOR(3), 1, 1, 4, 80, 1e-6, false, TAPE_TRAIN},
        {"tanh", "", VECTOR(3), 1, 1, 4, 30, 1e-6, false, TAPE_TRAIN},
        {"relu", "", VECTOR(8), 1, 1, 2, NAN, 0, false, TAPE_EVALUATE},
        {"leaky_relu", "", VECTOR(8), 1, 1, 2, NAN, 0, false, TAPE_EVALUATE},
        {"sigmoid", "", VECTOR(8), 1, 1, 2, NAN, 0, false, TAPE_EVALUATE},
        {"tanh", "", VECTOR(8), 1, 1, 2, NAN, 0, false, TAPE_EVALUATE},
    };
    check_all(cases, COUNT_OF(cases));
}

static void test_add_and_flatten(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        {"add", "", IMAGE(3, 5, 7), 2, 3, 2, 0, 1e-6, false, TAPE_TRAIN},
        {"add", "", IMAGE(6, 4, 4), 3, 1, 2, 0, 1e-6, false, TAPE_TRAIN},
        {"add", "", VECTOR(10), 8, 2, 2, 0, 1e-6, false, TAPE_EVALUATE},
        {"flatten", "", IMAGE(3, 5, 7), 1, 3, 2, 0, 0, true, TAPE_TRAIN},
        {"flatten", "", IMAGE(8, 2, 2), 1, 2, 2, 0, 0, true, TAPE_TRAIN},
        {"flatten", "", IMAGE(5, 1, 1), 1, 2, 2, 0, 0, true, TAPE_TRAIN},
        {"flatten", "", IMAGE(5, 1, 1), 1, 2, 2, 0, 0, true, TAPE_EVALUATE},
        {"flatten", "", IMAGE(1, 1, 70001), 1, 1, 1, 0, 0, true, TAPE_TRAIN},
        {"flatten", "", SEQUENCE(7, 5), 1, 1, 2, 0, 0, true, TAPE_TRAIN},
        {"flatten", "", SEQUENCE(7, 8), 1, 1, 2, 0, 0, true, TAPE_TRAIN},
    };
    check_all(cases, COUNT_OF(cases));
}

static void test_dropout(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        {"dropout", "p=0.5", IMAGE(3, 5, 7), 1, 3, 2, 0, 1e-6, true, TAPE_TRAIN},
        {"dropout", "p=0.1", VECTOR(1001), 1, 8, 1, 0, 1e-6, true, TAPE_TRAIN},
        {"dropout", "p=0", VECTOR(10), 1, 2, 1, 0, 0, true, TAPE_TRAIN},
        {"dropout", "p=0.5", VECTOR(10), 1, 2, 1, 0, 0, true, TAPE_EVALUATE},
        {"dropout", "p=0.3", SEQUENCE(4, 5), 1, 1, 3, 0, 1e-6, true, TAPE_TRAIN},
    };
    check_all(cases, COUNT_OF(cases));
}

#define POOL(type)                                                                                                     \
    {type, "kernel=2", IMAGE(6, 8, 8), 1, 3, 2, 0, 1e-6, false, TAPE_TRAIN},                                           \
        {type, "kernel=2", IMAGE(3, 7, 9), 1, 1, 2, 0, 1e-6, false, TAPE_TRAIN},                                       \
        {type, "kernel=2", IMAGE(64, 5, 6), 1, 2, 1, 0, 1e-6, false, TAPE_TRAIN}, /* channels that fill registers */   \
        {type, "kernel=3 stride=2 padding=1", IMAGE(128, 5, 7), 1, 1, 2, 0, 1e-6, false, TAPE_TRAIN},                  \
        {type, "kernel=3 stride=2 padding=1", IMAGE(5, 9, 12), 1, 2, 2, 0, 1e-6, false, TAPE_TRAIN},                   \
        {type, "kernel=7x5 stride=3x1 padding=3x2", IMAGE(3, 13, 11), 1, 2, 1, 0, 1e-6, false, TAPE_TRAIN},            \
        {type, "kernel=1", IMAGE(3, 1, 1), 1, 8, 1, 0, 1e-6, false, TAPE_TRAIN},                                       \
        {type, "kernel=2 stride=3", IMAGE(4, 10, 10), 1, 1, 2, -9, 1e-6, false, TAPE_TRAIN},                           \
        {type, "kernel=17x16 stride=2", IMAGE(9, 20, 20), 1, 1, 1, 0, 1e-6, false, TAPE_TRAIN},                        \
        {type, "kernel=1x3 stride=1x2 padding=0x1", IMAGE(1, 1, 70001), 1, 1, 1, 0, 1e-6, false, TAPE_TRAIN},          \
    {                                                                                                                  \
        type, "kernel=3 stride=1 padding=1", IMAGE(3, 5, 5), 1, 1, 2, 0, 1e-6, false, TAPE_EVALUATE                    \
    }

static void test_pools(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        POOL("max_pool2d"),
        POOL("avg_pool2d"),
        {"avg_pool2d", "kernel=3 stride=2 padding=1 count_include_pad=no", IMAGE(5, 9, 12), 1, 2, 2, 0, 1e-6, false,
         TAPE_TRAIN},
        {"avg_pool2d", "kernel=7x5 stride=3x1 padding=3x2 count_include_pad=no", IMAGE(3, 13, 11), 1, 2, 1, 0, 1e-6,
         false, TAPE_TRAIN},
        {"max_pool2d", "kernel=2", IMAGE(4, 4, 4), 1, 1, 2, NAN, 0, false, TAPE_EVALUATE},
        {"max_pool2d", "kernel=90", IMAGE(1, 100, 100), 1, 1, 1, 0, 1e-6, false, TAPE_TRAIN},
        {"avg_pool2d", "kernel=5000x1 stride=100x1", IMAGE(1, 5500, 1), 1, 1, 1, 0, 1e-5, false, TAPE_TRAIN},
        {"global_avg_pool2d", "", IMAGE(5, 7, 7), 1, 3, 2, 0, 1e-6, false, TAPE_TRAIN},
        {"global_avg_pool2d", "", IMAGE(5, 1, 1), 1, 2, 2, 0, 1e-6, false, TAPE_TRAIN},
        {"global_avg_pool2d", "", IMAGE(3, 1, 70001), 1, 2, 1, 0, 1e-5, false, TAPE_TRAIN},
    };
    check_all(cases, COUNT_OF(cases));
}

static void test_batch_norm(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        {"batch_norm", "", IMAGE(3, 5, 7), 1, 3, 2, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "", IMAGE(70, 9, 9), 1, 2, 3, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "", IMAGE(70, 9, 9), 1, 2, 3, 0, 1e-5, false, TAPE_EVALUATE},
        {"batch_norm", "", VECTOR(10), 1, 8, 2, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "", VECTOR(2050), 1, 1, 5, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "", SEQUENCE(9, 6), 1, 2, 2, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "affine=no", IMAGE(6, 4, 4), 1, 2, 2, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "affine=no", IMAGE(6, 4, 4), 1, 2, 2, 0, 1e-5, false, TAPE_EVALUATE},
        {"batch_norm", "", IMAGE(1, 1, 70001), 1, 2, 1, 0, 2e-4, false, TAPE_TRAIN},
        {"batch_norm", "", IMAGE(5, 16, 16), 1, 2, 2, 1000, 1e-4, false, TAPE_TRAIN},
        {"batch_norm", "statistics=global", IMAGE(5, 6, 6), 1, 3, 2, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "statistics=global", VECTOR(7), 1, 8, 1, 3, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "statistics=global affine=no", VECTOR(7), 1, 2, 4, 0, 1e-5, false, TAPE_TRAIN},
        {"batch_norm", "statistics=global", VECTOR(7), 1, 2, 4, 0, 1e-5, false, TAPE_EVALUATE},
    };
    check_all(cases, COUNT_OF(cases));
}

static void test_classes(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        {"sigmoid", "", IMAGE(3, 5, 7), 1, 3, 2, 0, 1e-6, true, TAPE_TRAIN},
        {"max_pool2d", "kernel=3 stride=2 padding=1", IMAGE(5, 9, 12), 1, 2, 2, 0, 1e-6, false, TAPE_TRAIN},
        {"batch_norm", "", IMAGE(5, 9, 9), 1, 2, 3, 0, 1e-5, false, TAPE_TRAIN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        layer_case_check(&cases[i], CLASS_GPU);
    }
}

/* d(sum of y dy) / dx of the reference itself, by central differences. */
static void check_differences(struct reference r, double *x, int64_t x_count, int64_t y_count)
{
    enum { LARGEST = 512 };
    double dx[LARGEST];
    const double step = 1e-5;
    reference_run(&r);
    memcpy(dx, r.dx[0], (size_t)x_count * sizeof(double));
    for (int64_t i = 0; i < x_count; i += 3) {
        double sums[2] = {0};
        for (int side = 0; side < 2; side++) {
            double kept = x[i];
            x[i] += side == 0 ? -step : step;
            reference_run(&r);
            x[i] = kept;
            for (int64_t j = 0; j < y_count; j++) {
                sums[side] += r.y[j] * r.dy[j];
            }
        }
        double slope = (sums[1] - sums[0]) / (2 * step);
        if (fabs(slope - dx[i]) > 1e-6) {
            fail_msg("%s: dx[%d] is %.9g, by differences %.9g", r.type, (int)i, dx[i], slope);
        }
    }
}

static void test_reference(void **state)
{
    (void)state;
    enum { COUNT = 2 * 3 * 6 * 7 };
    static const char *const types[] = {"relu",       "leaky_relu", "sigmoid",           "tanh",      "add", "dropout",
                                        "max_pool2d", "avg_pool2d", "global_avg_pool2d", "batch_norm"};
    double x[COUNT];
    double dy[COUNT];
    double y[COUNT];
    double dx[COUNT];
    double parameters[REFERENCE_PARAMETERS][3] = {{1, 2, -1}, {0, 1, 2}, {0}, {1, 1, 1}};
    double gradients[REFERENCE_PARAMETERS][3];
    struct random random;
    random_init(&random, 3, RANDOM_DATA, 0);
    for (int i = 0; i < COUNT; i++) {
        x[i] = random_normal(&random); /* no two are equal, none is 0 */
        dy[i] = random_normal(&random);
    }
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        bool pools = strstr(types[i], "_pool2d") != NULL;
        bool is_global = strncmp(types[i], "global", 6) == 0;
        struct reference r = {.type = types[i],
                              .slope = strcmp(types[i], "leaky_relu") == 0 ? 0.1 : 0,
                              .p = 0.4,
                              .epsilon = 1e-5,
                              .kernel = {3, 2},
                              .stride = {2, 1},
                              .padding = {1, 1},
                              .affine = 1,
                              .training = 1,
                              .input_count = 1,
                              .shape = shape_image(3, 6, 7),
                              .output = shape_image(3, 3, 8),
                              .samples = 2,
                              .shards = 1,
                              .x = {x},
                              .dy = dy,
                              .y = y,
                              .dx = {dx}};
        for (int j = 0; j < REFERENCE_PARAMETERS; j++) {
            r.parameters[j] = parameters[j];
            r.gradients[j] = gradients[j];
        }
        int64_t outputs = 2 * (is_global ? 3 : pools ? shape_count(r.output) : shape_count(r.shape));
        check_differences(r, x, COUNT, outputs);
    }
}

/* Storage buffers are limited: a large output is made in parts that meet, each within the limit. No device needed. */
static void test_large_outputs(void **state)
{
    (void)state;
    static const struct layer_case cases[] = {
        {"relu", "", VECTOR(1000001), 1, 2, 40, 0, 0, false, TAPE_TRAIN},
        {"flatten", "", IMAGE(3, 501, 701), 1, 2, 40, 0, 0, false, TAPE_TRAIN},
        {"dropout", "", IMAGE(3, 501, 701), 1, 2, 40, 0, 0, false, TAPE_TRAIN},
        {"add", "", IMAGE(3, 501, 701), 2, 2, 40, 0, 0, false, TAPE_TRAIN},
        {"max_pool2d", "kernel=3 stride=1", IMAGE(3, 501, 701), 1, 2, 40, 0, 0, false, TAPE_TRAIN},
        {"avg_pool2d", "kernel=3 stride=1", IMAGE(3, 501, 701), 1, 2, 40, 0, 0, false, TAPE_TRAIN},
        {"batch_norm", "", IMAGE(3, 501, 701), 1, 2, 40, 0, 0, false, TAPE_TRAIN},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct graph graph;
        struct layer *layer;
        struct program program;
        layer_case_build(&cases[i], &graph, &layer);
        assert_ok(program_init(&program, &graph, 1 << 20));
        struct lower_params params = {.graph = &graph,
                                      .mode = TAPE_TRAIN,
                                      .geometry = layer_case_geometry(&cases[i], 0, cases[i].shards),
                                      .flat_count = program.flat_count};
        struct tape tape;
        assert_ok(lower(&params, &tape));
        int output = lower_value_tensor(&tape, layer->outputs[0]);
        uint64_t end = 0;
        uint32_t next = 0;
        int parts = 0;
        for (int j = 0; j < tape.step_count; j++) {
            const struct dispatch *dispatch = &tape.steps[j].dispatch;
            for (int k = 0; k < dispatch->binding_count; k++) {
                const struct binding *binding = &dispatch->bindings[k];
                if (binding->tensor == output && binding->access == ACCESS_WRITE) {
                    assert_true(binding->size <= DISPATCH_MAX_STORAGE);
                    assert_true(binding->offset % TENSOR_ALIGNMENT == 0);
                    assert_true(binding->offset <= end && end < binding->offset + binding->size);
                    end = binding->offset + binding->size;
                    struct range part; /* every kernel's push constants begin with it */
                    memcpy(&part, dispatch->push, sizeof part);
                    assert_int_equal(part.first, next);
                    next += part.count;
                    parts++;
                }
            }
        }
        assert_true(parts > 1);
        assert_int_equal(end, tape.tensors[output].size);
        tape_release(&tape);
        program_release(&program);
        graph_release(&graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference),   cmocka_unit_test(test_large_outputs),
        cmocka_unit_test(test_activations), cmocka_unit_test(test_add_and_flatten),
        cmocka_unit_test(test_dropout),     cmocka_unit_test(test_pools),
        cmocka_unit_test(test_batch_norm),  cmocka_unit_test(test_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
