/*
 * Products of matrices on class cpu, in all the ways that shapes choose between: low, tall, wide and narrow tiles,
 * tiles with edges, shards of less than a turn, several shards in one, packed operands. They must come to sums made in
 * double precision, and to the same bits however the shards are spread.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/graph/program.h"
#include "compute/single.h"

struct product_case {
    int64_t inputs, outputs;
    int shards;
    int64_t shard_samples;
    /* What the dispatch for the gradient of weights must hold. */
    uint32_t turn_shards;
    bool packed;
};

enum { OUTPUT, INPUT_GRADIENT, WEIGHT_GRADIENT, BIAS_GRADIENT, RESULTS };
enum { MAX_PARTS = 9 };

/* Input, gradient of the output, weight, bias. */
struct operands {
    float *input, *arriving, *weight, *bias;
};

static void draw(uint64_t number, int64_t count, float **values)
{
    struct random random;
    random_init(&random, 6, RANDOM_DATA, number);
    assert_ok(memory_allocate((size_t)count, sizeof **values, values));
    for (int64_t i = 0; i < count; i++) {
        (*values)[i] = (float)random_normal(&random);
    }
}

static void count_results(const struct product_case *c, int64_t counts[RESULTS])
{
    int64_t samples = c->shards * c->shard_samples;
    counts[OUTPUT] = samples * c->outputs;
    counts[INPUT_GRADIENT] = samples * c->inputs;
    counts[WEIGHT_GRADIENT] = c->outputs * c->inputs;
    counts[BIAS_GRADIENT] = c->outputs;
}

static double expect(const struct product_case *c, const struct operands *x, int result, int64_t index)
{
    int64_t inner = result == INPUT_GRADIENT || result == WEIGHT_GRADIENT ? c->inputs : c->outputs;
    int64_t row = index / inner;
    int64_t column = index % inner;
    double sum = 0;
    if (result == OUTPUT) {
        for (int64_t i = 0; i < c->inputs; i++) {
            sum += (double)x->input[row * c->inputs + i] * (double)x->weight[column * c->inputs + i];
        }
        return sum + (double)x->bias[column];
    }
    if (result == INPUT_GRADIENT) {
        for (int64_t i = 0; i < c->outputs; i++) {
            sum += (double)x->arriving[row * c->outputs + i] * (double)x->weight[i * c->inputs + column];
        }
        return sum;
    }
    for (int64_t i = 0; i < c->shards * c->shard_samples; i++) {
        double arriving = (double)x->arriving[i * c->outputs + (result == WEIGHT_GRADIENT ? row : column)];
        sum += arriving * (result == WEIGHT_GRADIENT ? (double)x->input[i * c->inputs + column] : 1.0);
    }
    return sum;
}

static void check_values(const struct product_case *c, const struct operands *x, float *const *results)
{
    int64_t counts[RESULTS];
    count_results(c, counts);
    for (int i = 0; i < RESULTS; i++) {
        /* Some of many: the stride has no divisor in common with the sizes here. */
        int64_t step = counts[i] > 20000 ? 1009 : 1;
        double largest = 0;
        double worst = 0;
        for (int64_t j = 0; j < counts[i]; j += step) {
            double expected = expect(c, x, i, j);
            largest = fmax(largest, fabs(expected));
            double difference = fabs(expected - (double)results[i][j]);
            worst = isnan(difference) ? INFINITY : fmax(worst, difference); /* what nobody wrote is NaN */
        }
        if (!(worst <= 2e-6 * largest)) {
            fail_msg("%lld x %lld, %d shards of %lld: result %d differs by %g of %g", (long long)c->inputs,
                     (long long)c->outputs, c->shards, (long long)c->shard_samples, i, worst, largest);
        }
    }
}

/* The tiles that the cases met: heights and lanes of a group are powers of two, and so bits of a number. */
static uint32_t heights_seen[RESULTS], lanes_seen[RESULTS];

static void note_tile(int result, uint32_t height, uint32_t column_lanes)
{
    heights_seen[result] |= height;
    lanes_seen[result] |= column_lanes;
}

static void check_tape(const struct product_case *c, const struct tape *tape)
{
    bool found = false;
    bool sums = false;
    bool reduces = false;
    for (int i = 0; i < tape->step_count; i++) {
        const struct dispatch *dispatch = &tape->steps[i].dispatch;
        if (strcmp(dispatch->kernel, "matmul_columns") == 0) {
            found = true;
            assert_int_equal(dispatch->constants[3], c->packed);
            assert_int_equal(dispatch->constants[5], c->turn_shards);
            /* The bias's gradient, where a tile has room for it. */
            sums = dispatch->constants[7] > 0;
            assert_int_equal(sums, round_up_count(c->inputs, 4) % 32 != 0);
            note_tile(WEIGHT_GRADIENT, dispatch->constants[4], dispatch->constants[6]);
        } else if (strcmp(dispatch->kernel, "matmul_rows") == 0) {
            note_tile(OUTPUT, dispatch->constants[5], dispatch->constants[6]);
        } else if (strcmp(dispatch->kernel, "reduce_rows") == 0) {
            reduces = true;
        }
    }
    assert_true(found && reduces != sums);
}

/* Results of the parts first .. first + count - 1, which hold all shards. */
static void run_parts(const struct product_case *c, struct single *single, const struct operands *x, int first,
                      int count, float *results[RESULTS])
{
    int64_t counts[RESULTS];
    count_results(c, counts);
    for (int i = 0; i < RESULTS; i++) {
        assert_ok(memory_allocate((size_t)counts[i], sizeof(float), &results[i]));
    }
    for (int part = first; part < first + count; part++) {
        single_write_input(single, part, 0, x->input);
        single_write_output_gradient(single, part, x->arriving);
        assert_ok(single_run(single, part, NULL, NULL));
        assert_ok(single_read_output(single, part, results[OUTPUT]));
        assert_ok(single_read_input_gradient(single, part, 0, results[INPUT_GRADIENT]));
    }
    for (int i = 0; i < 2; i++) {
        assert_ok(single_read_parameter_gradient(single, first, count, i, results[WEIGHT_GRADIENT + i]));
    }
}

static void check(const struct product_case *c)
{
    struct engine_params engine = {
        .kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .device_class = CLASS_CPU, .share_device = true};
    enum dtype dtype = DTYPE_FLOAT32;
    struct shape shape = shape_vector(c->inputs);
    char options[64];
    snprintf(options, sizeof options, "features = %lld\n", (long long)c->outputs);
    /* All shards at once; then in two parts, or each alone. */
    struct single_part parts[MAX_PARTS] = {{c->shards, 0, c->shards}};
    int spread = c->shards < 3 ? c->shards : c->shards % 3 == 0 ? c->shards : 2;
    for (int i = 0; i < spread; i++) {
        int begin = shards_first(c->shards, i, spread);
        parts[1 + i] = (struct single_part){c->shards, begin, shards_first(c->shards, i + 1, spread) - begin};
    }
    struct single_params params = {.engine = &engine,
                                   .type = layer_type_find("linear"),
                                   .options = options,
                                   .mode = TAPE_TRAIN,
                                   .samples = c->shards * c->shard_samples,
                                   .inputs = &shape,
                                   .dtypes = &dtype,
                                   .input_count = 1,
                                   .parts = parts,
                                   .part_count = 1 + spread};
    struct single *single;
    assert_ok(single_create(&params, &single));
    check_tape(c, &single_program(single)->phases[0]->tape);

    int64_t counts[RESULTS];
    struct operands x;
    count_results(c, counts);
    draw(0, counts[INPUT_GRADIENT], &x.input);
    draw(1, counts[OUTPUT], &x.arriving);
    draw(2, counts[WEIGHT_GRADIENT], &x.weight);
    draw(3, counts[BIAS_GRADIENT], &x.bias);
    assert_ok(single_write_parameter(single, 0, x.weight));
    assert_ok(single_write_parameter(single, 1, x.bias));

    float *together[RESULTS];
    float *apart[RESULTS];
    run_parts(c, single, &x, 0, 1, together);
    run_parts(c, single, &x, 1, spread, apart);
    check_values(c, &x, together);
    for (int i = 0; i < RESULTS; i++) {
        if (memcmp(together[i], apart[i], (size_t)counts[i] * sizeof(float)) != 0) {
            fail_msg("%lld x %lld, %d shards of %lld: result %d depends on how the shards are spread",
                     (long long)c->inputs, (long long)c->outputs, c->shards, (long long)c->shard_samples, i);
        }
        free(together[i]);
        free(apart[i]);
    }
    free(x.input);
    free(x.arriving);
    free(x.weight);
    free(x.bias);
    single_destroy(single);
}

static void shards_of_every_length(void **state)
{
    (void)state;
    static const struct product_case cases[] = {
        {45, 37, 8, 1, 4, false},  {60, 30, 8, 3, 4, false},    {64, 96, 4, 4, 4, false}, {64, 33, 6, 4, 2, false},
        {100, 50, 8, 5, 2, false}, {32, 70, 8, 8, 2, false},    {64, 40, 2, 8, 2, false}, {64, 40, 1, 8, 1, false},
        {70, 64, 7, 7, 1, false},  {128, 100, 8, 16, 1, false}, {30, 33, 3, 9, 1, false}, {33, 80, 8, 17, 0, false},
        {50, 32, 5, 40, 0, false}, {48, 36, 4, 16, 1, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check(&cases[i]);
    }
}

static void long_rows_are_packed(void **state)
{
    (void)state;
    static const struct product_case cases[] = {
        {512, 300, 8, 80, 0, true},
        {256, 520, 3, 128, 0, true},
        {1040, 260, 8, 32, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check(&cases[i]);
    }
}

static void few_outputs(void **state)
{
    (void)state;
    static const struct product_case cases[] = {
        {500, 10, 8, 8, 2, false},
        {70, 1, 8, 20, 0, false},
        {33, 5, 3, 70, 0, false},
        {3, 16, 2, 33, 0, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check(&cases[i]);
    }
}

static void all_tiles_were_met(void **state)
{
    (void)state;
    struct engine_params params = {
        .kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .device_class = CLASS_CPU, .share_device = true};
    struct engine *engine;
    assert_ok(engine_create(&params, &engine));
    uint32_t lanes = (uint32_t)engine_lanes(engine);
    engine_destroy(engine);
    const int results[] = {OUTPUT, WEIGHT_GRADIENT};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        assert_int_equal(heights_seen[results[i]], 16 | 32);
        assert_int_equal(lanes_seen[results[i]], lanes == 16 ? 16 | 8 | 4 : 8 | 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_of_every_length), cmocka_unit_test(long_rows_are_packed), cmocka_unit_test(few_outputs),
        cmocka_unit_test(all_tiles_were_met), /* by those above */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
