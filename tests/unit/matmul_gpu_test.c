/*
 * The kernels of GPUs for products of matrices, where they take other ways than those of CPUs: tiles of every size,
 * sums cut into parts. They must come to what the kernels of CPUs come to (which tests/golden compares with PyTorch),
 * and to the same bits however the shards are spread. Both classes of GPUs; what multiplies matrices is skipped where
 * no device does. LEMNOS_TEST_VALIDATION=1 in the environment turns validation layers on.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/shape_tables.h"
#include "compute/graph/program.h"
#include "compute/matrix_probe.h"
#include "compute/single.h"

struct product_case {
    const char *type;
    const char *options;
    struct shape shape;
    int shards;
    int64_t shard_samples;
    /* What the tape of all shards must hold, the largest of each. */
    uint32_t row_parts, column_parts; /* column_parts: of all shards */
    uint32_t tile_rows, tile_columns;
    bool sums; /* the kernel for the gradient of weights makes that of the bias */
};

enum { RESULTS = 4 };

/* Output, gradient of the input, gradients of weight and bias. */
struct results {
    float *values[RESULTS];
    int64_t counts[RESULTS];
};

typedef float scale_element(int64_t row, int64_t column);

/* In `rows` rows; `scale` may be NULL. */
static void draw(uint64_t number, int64_t count, int64_t rows, scale_element *scale, float **values)
{
    struct random random;
    random_init(&random, 5, RANDOM_DATA, number);
    assert_ok(memory_allocate((size_t)count, sizeof **values, values));
    for (int64_t i = 0; i < count; i++) {
        (*values)[i] =
            (float)random_normal(&random) * (scale != NULL ? scale(i / (count / rows), i % (count / rows)) : 1.0F);
    }
}

static bool is_one_of(const char *kernel, const char *gpu, const char *matrix)
{
    return strcmp(kernel, gpu) == 0 || strcmp(kernel, matrix) == 0;
}

static void check_tape(const struct product_case *c, const struct tape *tape, enum device_class class)
{
    uint32_t row_parts = 0;
    uint32_t column_parts = 0;
    uint32_t tile_rows = 0;
    uint32_t tile_columns = 0;
    bool sums = false;
    for (int i = 0; i < tape->step_count; i++) {
        const struct dispatch *dispatch = &tape->steps[i].dispatch;
        bool is_rows = is_one_of(dispatch->kernel, "matmul_rows_gpu", "matmul_rows_matrix");
        bool is_columns = is_one_of(dispatch->kernel, "matmul_columns_gpu", "matmul_columns_matrix");
        assert_true(!(is_rows || is_columns) ||
                    (strstr(dispatch->kernel, "_matrix") != NULL) == (class == CLASS_GPU_MATRIX));
        assert_string_not_equal(dispatch->kernel, "matmul_rows");
        assert_string_not_equal(dispatch->kernel, "matmul_columns");
        if (is_rows && dispatch->groups[2] > row_parts) {
            row_parts = dispatch->groups[2];
        }
        if (is_columns && dispatch->groups[2] > column_parts) {
            column_parts = dispatch->groups[2];
        }
        if (is_columns) {
            sums = dispatch->constants[4] == 1;
        }
        if (is_rows || is_columns) {
            tile_rows = dispatch->constants[5] > tile_rows ? dispatch->constants[5] : tile_rows;
            tile_columns = dispatch->constants[6] > tile_columns ? dispatch->constants[6] : tile_columns;
        }
    }
    assert_int_equal(row_parts, c->row_parts);
    assert_int_equal(column_parts, c->column_parts);
    assert_int_equal(tile_rows, c->tile_rows);
    assert_int_equal(tile_columns, c->tile_columns);
    assert_int_equal(sums, c->sums);
}

static void run_part(struct single *single, int part, float *const *inputs, const struct results *results)
{
    single_write_input(single, part, 0, inputs[0]);
    single_write_output_gradient(single, part, inputs[1]);
    assert_ok(single_run(single, part, NULL, NULL));
    assert_ok(single_read_output(single, part, results->values[0]));
    assert_ok(single_read_input_gradient(single, part, 0, results->values[1]));
}

static void new_results(const struct product_case *c, const struct single *single, struct results *results)
{
    int64_t samples = c->shards * c->shard_samples;
    results->counts[0] = samples * shape_count(single_output_shape(single));
    results->counts[1] = samples * shape_count(c->shape);
    results->counts[2] = parameter_count(single_parameter(single, 0));
    results->counts[3] = parameter_count(single_parameter(single, 1));
    for (int i = 0; i < RESULTS; i++) {
        assert_ok(memory_allocate((size_t)results->counts[i], sizeof(float), &results->values[i]));
    }
}

static void release_results(struct results *results)
{
    for (int i = 0; i < RESULTS; i++) {
        free(results->values[i]);
    }
}

static void assert_same_bits(const struct product_case *c, const struct results *one, const struct results *two)
{
    for (int i = 0; i < RESULTS; i++) {
        if (memcmp(one->values[i], two->values[i], (size_t)one->counts[i] * sizeof(float)) != 0) {
            fail_msg("%s (%s): result %d depends on how the shards are spread", c->type, c->options, i);
        }
    }
}

static struct engine_params engine_of(enum device_class class)
{
    return (struct engine_params){.kind = ENGINE_VULKAN,
                                  .device = -1,
                                  .local_size = 1,
                                  .device_class = (int)class,
                                  .share_device = true,
                                  .validation = getenv("LEMNOS_TEST_VALIDATION") != NULL};
}

/* The test's class, where a device has it. */
static enum device_class class_of_test(void **state)
{
    enum device_class class = *(const enum device_class *)*state;
    struct engine_params params = engine_of(class);
    struct engine *engine;
    if (class == CLASS_GPU_MATRIX && engine_create(&params, &engine) != STATUS_OK) {
        status_clear();
        skip();
    }
    if (class == CLASS_GPU_MATRIX) {
        engine_destroy(engine);
    }
    return class;
}

/* Runs all shards at once; of several, also as two parts, for the same bits. `scale`: of inputs and of what arrives
 * backward. */
static void run_class(const struct product_case *c, enum device_class class, scale_element *scale,
                      struct results *results)
{
    struct engine_params engine = engine_of(class);
    enum dtype dtype = DTYPE_FLOAT32;
    int half = shards_first(c->shards, 1, 2);
    struct single_part parts[] = {{c->shards, 0, c->shards}, {c->shards, 0, half}, {c->shards, half, c->shards - half}};
    struct single_params params = {.engine = &engine,
                                   .type = layer_type_find(c->type),
                                   .options = c->options,
                                   .mode = TAPE_TRAIN,
                                   .samples = c->shards * c->shard_samples,
                                   .inputs = &c->shape,
                                   .dtypes = &dtype,
                                   .input_count = 1,
                                   .parts = parts,
                                   .part_count = c->shards > 1 ? 3 : 1};
    struct single *single;
    assert_ok(single_create(&params, &single));
    if (class != CLASS_CPU) {
        check_tape(c, &single_program(single)->phases[0]->tape, class);
    }
    new_results(c, single, results);
    float *inputs[RESULTS];
    int64_t samples = c->shards * c->shard_samples;
    draw(0, results->counts[1], samples, scale, &inputs[0]);
    draw(1, results->counts[0], samples, scale, &inputs[1]);
    for (int i = 0; i < 2; i++) {
        draw((uint64_t)(2 + i), results->counts[2 + i], 1, NULL, &inputs[2 + i]);
        assert_ok(single_write_parameter(single, i, inputs[2 + i]));
    }
    run_part(single, 0, inputs, results);
    for (int i = 0; i < 2; i++) {
        assert_ok(single_read_parameter_gradient(single, 0, 1, i, results->values[2 + i]));
    }
    if (c->shards > 1) {
        struct results spread;
        new_results(c, single, &spread);
        run_part(single, 1, inputs, &spread);
        run_part(single, 2, inputs, &spread);
        for (int i = 0; i < 2; i++) {
            assert_ok(single_read_parameter_gradient(single, 1, 2, i, spread.values[2 + i]));
        }
        assert_same_bits(c, results, &spread);
        release_results(&spread);
    }
    for (int i = 0; i < RESULTS; i++) {
        free(inputs[i]);
    }
    single_destroy(single);
}

static void check(const struct product_case *c, enum device_class class)
{
    struct results expected;
    struct results actual;
    run_class(c, CLASS_CPU, NULL, &expected);
    run_class(c, class, NULL, &actual);
    for (int i = 0; i < RESULTS; i++) {
        double largest = 0;
        double worst = 0;
        for (int64_t j = 0; j < expected.counts[i]; j++) {
            largest = fmax(largest, fabs((double)expected.values[i][j]));
            double difference = fabs((double)expected.values[i][j] - (double)actual.values[i][j]);
            worst = isnan(difference) ? INFINITY : fmax(worst, difference); /* what nobody wrote is NaN */
        }
        if (!(worst <= 1e-5 * largest)) {
            fail_msg("%s (%s): result %d differs by %g of %g", c->type, c->options, i, worst, largest);
        }
    }
    release_results(&expected);
    release_results(&actual);
}

static void tiles_have_edges(void **state)
{
    enum device_class class = class_of_test(state);
    static const struct product_case cases[] = {
        {"linear", "features = 150\n", VECTOR(202), 3, 2, 1, 1, 64, 64, true},
        {"linear", "features = 70\n", SEQUENCE(30, 60), 7, 3, 1, 1, 64, 64, true},
        {"conv2d", "channels = 36\nkernel = 3\nstride = 2\n", IMAGE(64, 9, 9), 2, 1, 1, 1, 64, 64, false},
        {"conv2d", "channels = 24\nkernel = 3x2\ndilation = 2\npadding = 1\n", IMAGE(30, 9, 11), 5, 1, 1, 1, 128, 64,
         false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check(&cases[i], class);
    }
}

static void long_sums_are_cut(void **state)
{
    enum device_class class = class_of_test(state);
    static const struct product_case cases[] = {
        {"linear", "features = 10\n", VECTOR(2050), 2, 2, 4, 1, 128, 64, true},
        {"linear", "features = 1100\n", VECTOR(70), 3, 1, 2, 1, 64, 64, true},
        /* Both shards together had tiles enough. */
        {"linear", "features = 2100\n", VECTOR(1024), 2, 33, 4, 1, 64, 64, false},
        {"linear", "features = 33\n", SEQUENCE(520, 6), 2, 1, 1, 4, 128, 64, true},
        {"conv2d", "channels = 7\nkernel = 3x2\n", IMAGE(5, 41, 41), 5, 1, 1, 20, 128, 32, true},
        {"conv2d", "channels = 40\nkernel = 3x4\nstride = 2\n", IMAGE(49, 30, 30), 2, 3, 1, 4, 64, 64, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check(&cases[i], class);
    }
}

static void large_tiles_where_they_pay(void **state)
{
    enum device_class class = class_of_test(state);
    static const struct product_case large = {"linear", "features = 128\n", SEQUENCE(32300, 130), 1, 1, 1, 64, 128, 128,
                                              true};
    check(&large, class);
}

static const struct product_case many_rows = {"linear", "features = 40\n", VECTOR(200), 2, 35, 1, 1, 64, 64, true};

/* Row by row, as a share of its largest; each column divided by its scale before. */
static void assert_alike(const float *expected, const float *actual, int64_t rows, int64_t columns,
                         scale_element *column_scale)
{
    for (int64_t row = 0; row < rows; row++) {
        double largest = 0;
        double worst = 0;
        for (int64_t j = 0; j < columns; j++) {
            double scale = column_scale != NULL ? (double)column_scale(0, j) : 1.0;
            double value = (double)expected[row * columns + j] / scale;
            double difference = fabs(value - (double)actual[row * columns + j] / scale);
            largest = fmax(largest, fabs(value));
            worst = isnan(difference) ? INFINITY : fmax(worst, difference);
        }
        if (!(worst <= 1e-5 * largest)) {
            fail_msg("row %d differs by %g of %g", (int)row, worst, largest);
        }
    }
}

/* The class beside CPUs; the weights' gradient too where its columns have scales. */
static void compare_scaled(enum device_class class, scale_element *scale, scale_element *column_scale)
{
    struct results expected;
    struct results actual;
    run_class(&many_rows, CLASS_CPU, scale, &expected);
    run_class(&many_rows, class, scale, &actual);
    int64_t rows = many_rows.shards * many_rows.shard_samples;
    for (int i = 0; i < 2; i++) {
        assert_alike(expected.values[i], actual.values[i], rows, expected.counts[i] / rows, NULL);
    }
    if (column_scale != NULL) {
        int64_t features = expected.counts[0] / rows; /* [features][inputs] */
        assert_alike(expected.values[2], actual.values[2], features, expected.counts[2] / features, column_scale);
    }
    release_results(&expected);
    release_results(&actual);
}

/* 1e-30 to 1e30. */
static float far_apart(int64_t row, int64_t column)
{
    (void)column;
    return powf(10.0F, (float)(row * 7 % 61 - 30));
}

/* Halves go from 1e-7 to 1e5 only: a row is taken as exactly whatever its size, and its neighbours'. */
static void rows_may_be_of_any_size(void **state)
{
    compare_scaled(class_of_test(state), far_apart, NULL);
}

/* 2^-25 to 2^24: nearly every turn brings what no earlier one told of. */
static float growing(int64_t row, int64_t column)
{
    (void)row;
    return ldexpf(1.0F, (int)column / 4 - 25);
}

static void so_may_columns_and_elements_may_grow(void **state)
{
    compare_scaled(class_of_test(state), growing, growing);
}

static float infinite_row(int64_t row, int64_t column)
{
    (void)column;
    return row == 3 ? INFINITY : 1.0F;
}

static float infinite_column(int64_t row, int64_t column)
{
    (void)row;
    return column == 5 ? INFINITY : 1.0F;
}

static void assert_finite(const float *values, int64_t rows, int64_t columns, int64_t but_row, int64_t but_column)
{
    for (int64_t i = 0; i < rows * columns; i++) {
        bool expected = i / columns != but_row && i % columns != but_column;
        assert_true((isfinite(values[i]) != 0) == expected);
    }
}

static void what_is_not_finite_stays_where_it_is(void **state)
{
    enum device_class class = class_of_test(state);
    struct results actual;
    int64_t rows = many_rows.shards * many_rows.shard_samples;
    run_class(&many_rows, class, infinite_row, &actual);
    for (int i = 0; i < 2; i++) {
        assert_finite(actual.values[i], rows, actual.counts[i] / rows, 3, -1);
    }
    release_results(&actual);
    run_class(&many_rows, class, infinite_column, &actual);
    int64_t features = actual.counts[0] / rows;
    assert_finite(actual.values[2], features, actual.counts[2] / features, 5, 5);
    release_results(&actual);
}

/* As a run does before it relies on them. */
static void the_probe_finds_them_right(void **state)
{
    struct engine_params engine = engine_of(class_of_test(state));
    double error = INFINITY;
    assert_ok(matrix_probe_measure(&engine, &error));
    assert_true(error > 0.0 && error < 1e-6);
}

#define BOTH(test)                                                                                                     \
    {.name = #test " gpu", .test_func = test, .initial_state = &classes[0]},                                           \
    {                                                                                                                  \
        .name = #test " matrix", .test_func = test, .initial_state = &classes[1]                                       \
    }

int main(void)
{
    static enum device_class classes[] = {CLASS_GPU, CLASS_GPU_MATRIX};
    const struct CMUnitTest tests[] = {
        BOTH(tiles_have_edges),
        BOTH(long_sums_are_cut),
        BOTH(large_tiles_where_they_pay),
        BOTH(rows_may_be_of_any_size),
        BOTH(so_may_columns_and_elements_may_grow),
        BOTH(what_is_not_finite_stays_where_it_is),
        BOTH(the_probe_finds_them_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
