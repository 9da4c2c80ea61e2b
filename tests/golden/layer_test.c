/*
 * Every layer type against PyTorch, on one shard and on several, on one rank and as two would share the shards; and
 * against central differences (compute/check.h). A type without golden cases fails.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/check.h"
#include "compute/single.h"
#include "tests/golden/golden.h"

/* Largest differences relative to the array's largest value. */
static const double output_tolerance = 1e-5;
static const double gradient_tolerance = 1e-4;

enum { DROPOUT_STEP = 3, MAX_INPUTS = 4, MAX_PARAMETERS = 4, MAX_SHARDS = 4, OPTIONS_SIZE = 256, MAX_HOST_STEPS = 8 };

static struct golden_arguments arguments;

struct layer_case {
    hid_t group;
    char name[128]; /* with the type, for messages */
    const struct layer_type *type;
    char options[OPTIONS_SIZE];
    enum tape_mode mode;
    int64_t seed, samples;
    int64_t shards[MAX_SHARDS];
    int parts[MAX_SHARDS]; /* by number of shards: the first part, with all; two that share them follow */
    int shards_count;
    int input_count, parameter_count;
    struct shape inputs[MAX_INPUTS];
    enum dtype dtypes[MAX_INPUTS];
    void *input_values[MAX_INPUTS];
    float *parameter_values[MAX_PARAMETERS];
    float *weights;
    float *output_gradient;
    struct single *single;
};

/* What a run of all samples leaves; arrays that the case lacks are NULL. */
struct results {
    float *output;
    float *input_gradients[MAX_INPUTS];
    float *parameter_gradients[MAX_PARAMETERS];
    float metrics[METRIC_COUNT]; /* of a loss: summed over the shards */
    int64_t output_count;
};

/* --- reading a case ------------------------------------------------------------------------------------------------
 */

static struct shape read_shape(hid_t group, const char *name)
{
    int64_t dims[SHAPE_MAX_RANK];
    struct shape shape = {0};
    assert_ok(golden_integers(group, name, dims, SHAPE_MAX_RANK, &shape.rank));
    if (shape.rank == 1 && dims[0] == 0) { /* how the file writes a single number */
        return shape_scalar();
    }
    memcpy(shape.dim, dims, sizeof dims);
    return shape;
}

static void read_inputs(struct layer_case *test)
{
    double low;
    double high;
    assert_ok(golden_number(test->group, "low", &low));
    assert_ok(golden_number(test->group, "high", &high));
    for (int i = 0; i < test->input_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "input%d", i);
        test->inputs[i] = read_shape(test->group, name);
        test->dtypes[i] = DTYPE_FLOAT32;
        int64_t count = test->samples * shape_count(test->inputs[i]);
        if (i == 1 && H5Aexists(test->group, "classes") > 0) {
            int64_t classes;
            uint32_t *labels;
            assert_ok(golden_integer(test->group, "classes", &classes));
            assert_ok(golden_draw_words(test->seed, GOLDEN_LABEL, count, &labels));
            for (int64_t j = 0; j < count; j++) {
                labels[j] %= (uint32_t)classes;
            }
            test->dtypes[i] = DTYPE_INT32;
            test->input_values[i] = labels;
        } else {
            float *values;
            assert_ok(golden_draw(test->seed, GOLDEN_INPUT + i, count, low, high, &values));
            test->input_values[i] = values;
        }
    }
}

static void read_weights(struct layer_case *test)
{
    assert_ok(golden_draw(test->seed, GOLDEN_SAMPLE_WEIGHTS, test->samples, -1.0, 1.0, &test->weights));
    for (int64_t i = 0; i < test->samples; i++) {
        bool counts = !test->type->is_loss || test->samples <= 2 || (double)test->weights[i] > -0.7;
        test->weights[i] = counts ? 1.0F : 0.0F;
    }
}

static void read_case(struct layer_case *test, hid_t group, const struct layer_type *type, const char *name)
{
    *test = (struct layer_case){.group = group, .type = type};
    snprintf(test->name, sizeof test->name, "%s, %s", type->name, name);
    char mode[16];
    int64_t inputs;
    int64_t parameters;
    assert_ok(golden_text(group, "options", test->options, sizeof test->options));
    assert_ok(golden_text(group, "mode", mode, sizeof mode));
    assert_ok(golden_integer(group, "seed", &test->seed));
    assert_ok(golden_integer(group, "samples", &test->samples));
    assert_ok(golden_integer(group, "input_count", &inputs));
    assert_ok(golden_integer(group, "parameter_count", &parameters));
    assert_ok(golden_integers(group, "shards", test->shards, MAX_SHARDS, &test->shards_count));
    test->mode = strcmp(mode, "train") == 0 ? TAPE_TRAIN : TAPE_EVALUATE;
    test->input_count = (int)inputs;
    test->parameter_count = (int)parameters;
    assert_true(inputs <= MAX_INPUTS && parameters <= MAX_PARAMETERS);
    read_inputs(test);
    read_weights(test);
}

/* --- the layer on the engine ---------------------------------------------------------------------------------------
 */

static void create_single(struct layer_case *test)
{
    struct single_part parts[3 * MAX_SHARDS];
    int count = 0;
    for (int i = 0; i < test->shards_count; i++) {
        int shards = (int)test->shards[i];
        int half = shards_first(shards, 1, 2);
        test->parts[i] = count;
        parts[count++] = (struct single_part){shards, 0, shards};
        if (shards > 1) {
            parts[count++] = (struct single_part){shards, 0, half};
            parts[count++] = (struct single_part){shards, half, shards - half};
        }
    }
    struct single_params params = {.engine = &arguments.engine,
                                   .type = test->type,
                                   .options = test->options,
                                   .mode = test->mode,
                                   .samples = test->samples,
                                   .inputs = test->inputs,
                                   .dtypes = test->dtypes,
                                   .input_count = test->input_count,
                                   .parts = parts,
                                   .part_count = count};
    assert_ok(single_create(&params, &test->single));
}

static void write_parameters(struct layer_case *test)
{
    assert_int_equal(single_layer(test->single)->parameter_count, test->parameter_count);
    for (int i = 0; i < test->parameter_count; i++) {
        char name[32];
        char expected[PARAMETER_NAME_SIZE];
        int64_t shape[PARAMETER_MAX_RANK];
        int rank;
        double low;
        double high;
        snprintf(name, sizeof name, "parameter%d", i);
        hid_t group = H5Gopen2(test->group, name, H5P_DEFAULT);
        assert_ok(golden_text(group, "name", expected, sizeof expected));
        assert_ok(golden_integers(group, "shape", shape, PARAMETER_MAX_RANK, &rank));
        assert_ok(golden_number(group, "low", &low));
        assert_ok(golden_number(group, "high", &high));
        H5Gclose(group);
        const struct parameter *parameter = single_parameter(test->single, i);
        assert_string_equal(parameter->name + strlen("layer."), expected);
        assert_int_equal(parameter->rank, rank);
        assert_memory_equal(parameter->dim, shape, (size_t)rank * sizeof *shape);
        int64_t count = parameter_count(parameter);
        assert_ok(golden_draw(test->seed, GOLDEN_PARAMETER + i, count, low, high, &test->parameter_values[i]));
        assert_ok(single_write_parameter(test->single, i, test->parameter_values[i]));
    }
}

static void write_scalars(struct layer_case *test)
{
    struct step_scalars *scalars = single_scalars(test->single);
    scalars->seed_low = (uint)test->seed;
    scalars->step = DROPOUT_STEP;
    if (test->type->is_loss) {
        double loss_scale;
        assert_ok(golden_number(test->group, "loss_scale", &loss_scale));
        scalars->loss_scale = (float)loss_scale;
    } else {
        int64_t count = test->samples * shape_count(single_output_shape(test->single));
        assert_ok(golden_draw(test->seed, GOLDEN_OUTPUT_GRADIENT, count, -1.0, 1.0, &test->output_gradient));
    }
}

static void release_case(struct layer_case *test)
{
    single_destroy(test->single);
    for (int i = 0; i < MAX_INPUTS; i++) {
        free(test->input_values[i]);
    }
    for (int i = 0; i < MAX_PARAMETERS; i++) {
        free(test->parameter_values[i]);
    }
    free(test->weights);
    free(test->output_gradient);
}

/* --- running -------------------------------------------------------------------------------------------------------
 */

/*
 * Ranks that meet in host steps, one after another on one engine: a part stands still in a host step until its total is
 * known, so all parts run again and again, and each time the total of one more step is known.
 */
struct meeting {
    int shards, first_shard, shard_count; /* of the part that runs */
    int known;                            /* host steps whose totals are known */
    int steps;
    float *rows[MAX_HOST_STEPS];
    int64_t counts[MAX_HOST_STEPS];
};

static enum status meet(void *context, int number, const struct host_step *step, const float *rows, float *total)
{
    struct meeting *meeting = context;
    assert_true(number < MAX_HOST_STEPS);
    meeting->steps = number + 1 > meeting->steps ? number + 1 : meeting->steps;
    meeting->counts[number] = step->count;
    if (meeting->rows[number] == NULL) {
        TRY(memory_allocate((size_t)(meeting->shards * step->count), sizeof(float), &meeting->rows[number]));
    }
    memcpy(meeting->rows[number] + meeting->first_shard * step->count, rows,
           (size_t)(meeting->shard_count * step->count) * sizeof(float));
    if (number < meeting->known) {
        return single_sum_rows(meeting->shards, meeting->rows[number], step->count, total);
    }
    memset(total, 0, (size_t)step->count * sizeof(float));
    return STATUS_OK;
}

static void new_results(const struct layer_case *test, struct results *results)
{
    *results = (struct results){0};
    if (!test->type->is_loss) {
        results->output_count = test->samples * shape_count(single_output_shape(test->single));
        assert_ok(memory_allocate((size_t)results->output_count, sizeof(float), &results->output));
    }
    if (test->mode != TAPE_TRAIN) {
        return;
    }
    for (int i = 0; i < test->input_count; i++) {
        if (test->dtypes[i] == DTYPE_FLOAT32) {
            assert_ok(memory_allocate((size_t)(test->samples * shape_count(test->inputs[i])), sizeof(float),
                                      &results->input_gradients[i]));
        }
    }
    for (int i = 0; i < test->parameter_count; i++) {
        assert_ok(memory_allocate((size_t)parameter_count(single_parameter(test->single, i)), sizeof(float),
                                  &results->parameter_gradients[i]));
    }
}

static void release_results(struct results *results)
{
    free(results->output);
    for (int i = 0; i < MAX_INPUTS; i++) {
        free(results->input_gradients[i]);
    }
    for (int i = 0; i < MAX_PARAMETERS; i++) {
        free(results->parameter_gradients[i]);
    }
}

static void write_part(struct layer_case *test, int part)
{
    for (int i = 0; i < test->input_count; i++) {
        single_write_input(test->single, part, i, test->input_values[i]);
    }
    single_write_weights(test->single, part, test->weights);
    if (test->mode == TAPE_TRAIN && !test->type->is_loss) {
        single_write_output_gradient(test->single, part, test->output_gradient);
    }
}

static void read_part(struct layer_case *test, int part, int shard_count, float *shard_metrics, struct results *results)
{
    if (results->output != NULL) {
        assert_ok(single_read_output(test->single, part, results->output));
    }
    for (int i = 0; i < test->input_count; i++) {
        if (results->input_gradients[i] != NULL) {
            assert_ok(single_read_input_gradient(test->single, part, i, results->input_gradients[i]));
        }
    }
    if (test->type->is_loss) {
        memcpy(shard_metrics, single_metrics(test->single, part), (size_t)shard_count * METRIC_COUNT * sizeof(float));
    }
}

/* Runs `part_count` parts that share `shards` shards, as so many ranks would. */
static void run_parts(struct layer_case *test, int first_part, int part_count, int shards, struct results *results)
{
    struct meeting meeting = {.shards = shards};
    float *metrics;
    assert_ok(memory_allocate((size_t)shards * METRIC_COUNT, sizeof(float), &metrics));
    do {
        for (int i = 0; i < part_count; i++) {
            int part = first_part + i;
            meeting.first_shard = shards_first(shards, i, part_count);
            meeting.shard_count = shards_first(shards, i + 1, part_count) - meeting.first_shard;
            write_part(test, part);
            assert_ok(single_run(test->single, part, meet, &meeting));
            read_part(test, part, meeting.shard_count, metrics + meeting.first_shard * METRIC_COUNT, results);
        }
    } while (meeting.known++ < meeting.steps);
    for (int i = 0; i < test->parameter_count; i++) {
        if (results->parameter_gradients[i] != NULL) {
            assert_ok(single_read_parameter_gradient(test->single, first_part, part_count, i,
                                                     results->parameter_gradients[i]));
        }
    }
    assert_ok(single_sum_rows(shards, metrics, METRIC_COUNT, results->metrics));
    free(metrics);
    for (int i = 0; i < MAX_HOST_STEPS; i++) {
        free(meeting.rows[i]);
    }
}

/* --- comparing -----------------------------------------------------------------------------------------------------
 */

static void compare(const struct layer_case *test, const char *what, int shards, const float *actual, int64_t count,
                    double tolerance)
{
    double error;
    assert_ok(golden_compare(test->group, what, test->seed, actual, count, &error));
    if (!(error <= tolerance)) {
        fail_msg("%s: %s differs by %g on %d shards", test->name, what, error, shards);
    }
}

/* Where a running average is after its step; in place of its "gradient". */
static void move_average(const struct layer_case *test, int index, int shards, float *gradient)
{
    const struct parameter *average = single_parameter(test->single, index);
    for (int64_t i = 0; i < parameter_count(average); i++) {
        double observed = (double)gradient[i] / shards;
        double momentum = (double)average->momentum;
        gradient[i] = (float)((1.0 - momentum) * (double)test->parameter_values[index][i] + momentum * observed);
    }
}

static void compare_results(const struct layer_case *test, int shards, struct results *results)
{
    if (test->type->is_loss) {
        compare(test, "metrics", shards, results->metrics, METRIC_COUNT, output_tolerance);
    } else {
        compare(test, "output", shards, results->output, results->output_count, output_tolerance);
    }
    for (int i = 0; i < test->input_count; i++) {
        char what[32];
        snprintf(what, sizeof what, "input_gradient%d", i);
        /* The file holds no gradient of a target. */
        if (results->input_gradients[i] != NULL && (!test->type->is_loss || i == 0)) {
            compare(test, what, shards, results->input_gradients[i], test->samples * shape_count(test->inputs[i]),
                    gradient_tolerance);
        }
    }
    for (int i = 0; i < test->parameter_count; i++) {
        if (results->parameter_gradients[i] == NULL) {
            continue;
        }
        char what[32];
        bool average = single_parameter(test->single, i)->kind == PARAMETER_BUFFER;
        snprintf(what, sizeof what, average ? "buffer%d" : "parameter_gradient%d", i);
        if (average) {
            move_average(test, i, shards, results->parameter_gradients[i]);
        }
        compare(test, what, shards, results->parameter_gradients[i], parameter_count(single_parameter(test->single, i)),
                average ? output_tolerance : gradient_tolerance);
    }
}

static void same_bits(const struct layer_case *test, const char *what, const float *one, const float *two,
                      int64_t count)
{
    if (one != NULL && memcmp(one, two, (size_t)count * sizeof(float)) != 0) {
        fail_msg("%s: the bits of %s depend on how many shards a rank holds", test->name, what);
    }
}

static void compare_bits(const struct layer_case *test, const struct results *one, const struct results *two)
{
    same_bits(test, "the output", one->output, two->output, one->output_count);
    same_bits(test, "the metrics", one->metrics, two->metrics, METRIC_COUNT);
    for (int i = 0; i < test->input_count; i++) {
        same_bits(test, "an input's gradient", one->input_gradients[i], two->input_gradients[i],
                  test->samples * shape_count(test->inputs[i]));
    }
    for (int i = 0; i < test->parameter_count; i++) {
        same_bits(test, single_parameter(test->single, i)->name, one->parameter_gradients[i],
                  two->parameter_gradients[i], parameter_count(single_parameter(test->single, i)));
    }
}

struct visit {
    const struct layer_type *type;
    int cases;
    bool trained;
};

static enum status run_case(void *context, hid_t group, const char *name)
{
    struct visit *visit = context;
    struct layer_case test;
    read_case(&test, group, visit->type, name);
    create_single(&test);
    write_parameters(&test);
    write_scalars(&test);
    for (int i = 0; i < test.shards_count; i++) {
        int shards = (int)test.shards[i];
        struct results alone;
        new_results(&test, &alone);
        run_parts(&test, test.parts[i], 1, shards, &alone);
        if (shards > 1) {
            struct results together;
            new_results(&test, &together);
            run_parts(&test, test.parts[i] + 1, 2, shards, &together);
            compare_bits(&test, &alone, &together);
            release_results(&together);
        }
        compare_results(&test, shards, &alone);
        release_results(&alone);
    }
    visit->cases++;
    visit->trained = visit->trained || test.mode == TAPE_TRAIN;
    release_case(&test);
    return STATUS_OK;
}

/* --- tests ---------------------------------------------------------------------------------------------------------
 */

static void layer_follows_torch(void **state)
{
    struct visit visit = {.type = *state};
    hid_t file;
    assert_ok(golden_open(arguments.folder, visit.type->name, &file));
    assert_ok(golden_each(file, run_case, &visit));
    H5Fclose(file);
    assert_true(visit.cases > 0 && visit.trained);
}

static void print_check(void *context, const struct check_result *result)
{
    (void)context;
    char options[OPTIONS_SIZE];
    snprintf(options, sizeof options, "%s", result->options);
    for (char *c = options; *c != '\0'; c++) {
        *c = *c == '\n' ? ';' : *c;
    }
    print_message("%s %s(%s): %d elements, worst %.2g %s\n", result->passed ? "  " : "no", result->type, options,
                  result->elements, result->worst, result->message);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    bool passed;
    assert_ok(check_layers(&arguments.engine, print_check, NULL, &passed));
    assert_true(passed);
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
    struct CMUnitTest tests[64];
    size_t count = 0;
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(gradients_are_slopes);
    for (int i = 0; layer_types[i] != NULL && count < COUNT_OF(tests); i++) {
        tests[count++] = (struct CMUnitTest){
            .name = layer_types[i]->name, .test_func = layer_follows_torch, .initial_state = (void *)layer_types[i]};
    }
    return _cmocka_run_group_tests("layers", tests, count, NULL, NULL);
}
