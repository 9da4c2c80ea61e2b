/*
 * Steps of the optimisers against torch.optim: two groups of parameters with their own rate and decay, and a running
 * average between them, updated in two ranges.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/layer.h"
#include "compute/graph/lower.h"
#include "compute/kernels/update.h"
#include "shaders/step.h"
#include "tests/golden/golden.h"

static const double tolerance = 2e-6; /* relative to the largest value, after five steps */

static struct golden_arguments arguments;

enum { PARAMETERS = 2, GROUP_AVERAGE = 2, GROUP_COUNT = 3, AVERAGE = 70 };
static const int64_t counts[PARAMETERS] = {100, 5000};

static enum status infer(struct layer *layer)
{
    for (int i = 0; i < PARAMETERS; i++) {
        struct parameter value = {.kind = PARAMETER_WEIGHT,
                                  .rank = 1,
                                  .dim = {counts[i]},
                                  .elements = (int64_t)round_up((uint64_t)counts[i], 4)};
        TRY(layer_add_parameter(layer, i == 0 ? "value0" : "value1", &value));
    }
    struct parameter average = {.kind = PARAMETER_BUFFER, .rank = 1, .dim = {AVERAGE}, .elements = 72};
    return layer_add_parameter(layer, "average", &average);
}

/* Only its parameters matter here. */
static const struct option no_options[] = {OPTIONS_END};
static const struct layer_type holder = {.name = "holder", .options = no_options, .infer = infer};

struct fixture {
    struct graph graph;
    struct program program;
    struct engine *engine;
    enum update_rule rule;
    int phase;
};

static enum update_rule rule_of(hid_t group)
{
    static const char *const names[] = {[UPDATE_SGD] = "sgd", [UPDATE_ADAM] = "adam", [UPDATE_ADAMW] = "adamw"};
    char text[16];
    assert_ok(golden_text(group, "rule", text, sizeof text));
    for (int i = 0; i < UPDATE_RULE_COUNT; i++) {
        if (strcmp(text, names[i]) == 0) {
            return (enum update_rule)i;
        }
    }
    fail_msg("there is no rule %s", text);
    return UPDATE_SGD;
}

static uint64_t add_table(struct fixture *fixture)
{
    uint32_t *table;
    size_t entries = (size_t)(fixture->program.flat_count / UPDATE_GROUP_FLOATS);
    assert_ok(memory_allocate(entries, sizeof *table, &table));
    for (int i = 0; i < GROUP_COUNT; i++) {
        const struct parameter *parameter = &fixture->graph.parameters[i];
        for (int64_t j = 0; j < parameter->elements; j += UPDATE_GROUP_FLOATS) {
            table[(parameter->offset + j) / UPDATE_GROUP_FLOATS] = (uint32_t)i;
        }
    }
    uint64_t offset;
    /* Not at the start of the region, as it need not lie there. */
    assert_ok(program_add_constants(&fixture->program, "something else", 15, &offset));
    assert_ok(program_add_constants(&fixture->program, table, entries * sizeof *table, &offset));
    free(table);
    return offset;
}

static void make_fixture(struct fixture *fixture, enum update_rule rule)
{
    *fixture = (struct fixture){.rule = rule};
    graph_init(&fixture->graph);
    struct layer *layer;
    assert_ok(graph_add(&fixture->graph, &(struct layer_params){.type = &holder, .name = "holder"}, &layer));
    assert_ok(program_init(&fixture->program, &fixture->graph, PROGRAM_BLOCK));
    program_reserve(&fixture->program, 1, update_slot_count(rule));
    struct update_params params = {.rule = rule, .count = 3 * PROGRAM_BLOCK, .group_table = add_table(fixture)};
    assert_ok(engine_create(&arguments.engine, &fixture->engine));
    struct tape tape;
    assert_ok(tape_init(&tape, &fixture->graph, engine_class(fixture->engine), fixture->program.flat_count));
    assert_ok(update_emit(&tape, &params));
    params.offset = params.count;
    params.count = fixture->program.flat_count - params.offset;
    assert_ok(update_emit(&tape, &params));
    assert_ok(program_add_tape(&fixture->program, "update", &tape, &fixture->phase));
    assert_ok(engine_load(fixture->engine, &fixture->program));
}

static void release_fixture(struct fixture *fixture)
{
    engine_destroy(fixture->engine);
    program_release(&fixture->program);
    graph_release(&fixture->graph);
}

static double number(hid_t group, const char *name)
{
    double value;
    assert_ok(golden_number(group, name, &value));
    return value;
}

static void write_scalars(struct fixture *fixture, hid_t group, int64_t step)
{
    double beta1 = number(group, "beta1");
    double beta2 = number(group, "beta2");
    double rate = number(group, "learning_rate");
    struct step_scalars scalars = {
        .step = (uint32_t)step,
        .clip_scale = (float)number(group, "clip_scale"),
        .buffer_scale = 0.25F,
        .momentum = (float)(fixture->rule == UPDATE_SGD ? number(group, "momentum") : beta1),
        .beta2 = (float)beta2,
        .epsilon = (float)number(group, "epsilon"),
        .bias_correction1 = (float)(1.0 - pow(beta1, (double)step + 1)),
        .bias_correction2 = (float)(1.0 - pow(beta2, (double)step + 1)),
        .complement1 = (float)(1.0 - beta1),
        .complement2 = (float)(1.0 - beta2),
        .nesterov = (uint)number(group, "nesterov"),
        .groups = {{.learning_rate = (float)rate, .weight_decay = (float)number(group, "weight_decay")},
                   {.learning_rate = (float)(0.5 * rate)},
                   {.learning_rate = (float)rate, .weight_decay = 1.0F, .momentum = 0.125F, .is_buffer = 1}},
    };
    memcpy(engine_host(fixture->engine, REGION_STEP), &scalars, sizeof scalars);
}

static void write_array(struct fixture *fixture, enum region region, int parameter, int64_t seed, int array)
{
    const struct parameter *written = &fixture->graph.parameters[parameter];
    float *values;
    assert_ok(golden_draw(seed, array, written->dim[0], -1.0, 1.0, &values));
    float *memory = engine_host(fixture->engine, region);
    memcpy(memory + written->offset, values, (size_t)written->dim[0] * sizeof(float));
    free(values);
    assert_ok(engine_push(fixture->engine, region, 0, fixture->program.region_sizes[region]));
}

static void run(struct fixture *fixture)
{
    struct engine_event event;
    assert_ok(engine_begin(fixture->engine, fixture->phase));
    do {
        assert_ok(engine_poll(fixture->engine, 1000000, &event));
    } while (event.kind != EVENT_DONE);
}

static void compare(struct fixture *fixture, hid_t group, const char *name, int64_t seed, enum region region, int slot,
                    int parameter)
{
    const float *memory = engine_host(fixture->engine, region);
    const struct parameter *read = &fixture->graph.parameters[parameter];
    double error;
    assert_ok(golden_compare(group, name, seed, memory + slot * fixture->program.flat_count + read->offset,
                             read->dim[0], &error));
    if (!(error <= tolerance)) {
        fail_msg("%s differs by %g", name, error);
    }
}

/* The running average moved five times along 0.25 times what was observed; the slots stayed zero. */
static void compare_average(struct fixture *fixture, int64_t seed, int steps)
{
    const struct parameter *average = &fixture->graph.parameters[GROUP_AVERAGE];
    const float *actual = (const float *)engine_host(fixture->engine, REGION_PARAMETERS) + average->offset;
    double expected[AVERAGE] = {0};
    for (int step = 0; step < steps; step++) {
        float *observed;
        assert_ok(golden_draw(seed, GOLDEN_STEP_GRADIENTS + 2 * step, AVERAGE, -1.0, 1.0, &observed));
        for (int i = 0; i < AVERAGE; i++) {
            expected[i] = (1.0 - 0.125) * expected[i] + 0.125 * 0.25 * (double)observed[i];
        }
        free(observed);
    }
    for (int i = 0; i < AVERAGE; i++) {
        assert_true(fabs((double)actual[i] - expected[i]) < 1e-7);
    }
    const float *slots = engine_host(fixture->engine, REGION_OPTIMIZER);
    for (int slot = 0; slot < update_slot_count(fixture->rule); slot++) {
        for (int i = 0; i < AVERAGE; i++) {
            assert_true(slots[slot * fixture->program.flat_count + average->offset + i] == 0.0F);
        }
    }
}

/* Where no parameter lies, zeros stay zeros. */
static void check_gaps(struct fixture *fixture)
{
    const float *values = engine_host(fixture->engine, REGION_PARAMETERS);
    const struct parameter *first = &fixture->graph.parameters[0];
    for (int64_t i = first->offset + counts[0];
         i < first->offset + (int64_t)round_up((uint64_t)counts[0], PARAMETER_ALIGNMENT); i++) {
        assert_true(values[i] == 0.0F);
    }
}

static enum status run_case(void *context, hid_t group, const char *name)
{
    int *cases = context;
    print_message("%s\n", name);
    struct fixture fixture;
    make_fixture(&fixture, rule_of(group));
    int64_t seed;
    int64_t steps;
    assert_ok(golden_integer(group, "seed", &seed));
    assert_ok(golden_integer(group, "steps", &steps));
    for (int i = 0; i < PARAMETERS; i++) {
        write_array(&fixture, REGION_PARAMETERS, i, seed, GOLDEN_PARAMETER + i);
    }
    for (int step = 0; step < (int)steps; step++) {
        write_scalars(&fixture, group, step);
        for (int i = 0; i < PARAMETERS; i++) {
            write_array(&fixture, REGION_GRADIENTS, i, seed, GOLDEN_STEP_GRADIENTS + 2 * step + i);
        }
        write_array(&fixture, REGION_GRADIENTS, GROUP_AVERAGE, seed, GOLDEN_STEP_GRADIENTS + 2 * step);
        run(&fixture);
    }
    assert_ok(engine_pull(fixture.engine, REGION_PARAMETERS, 0, fixture.program.region_sizes[REGION_PARAMETERS]));
    assert_ok(engine_pull(fixture.engine, REGION_OPTIMIZER, 0, fixture.program.region_sizes[REGION_OPTIMIZER]));
    for (int i = 0; i < PARAMETERS; i++) {
        char what[32];
        snprintf(what, sizeof what, "value%d", i);
        compare(&fixture, group, what, seed, REGION_PARAMETERS, 0, i);
        for (int slot = 0; slot < update_slot_count(fixture.rule); slot++) {
            snprintf(what, sizeof what, "slot%d_%d", slot, i);
            if (golden_has(group, what)) {
                compare(&fixture, group, what, seed, REGION_OPTIMIZER, slot, i);
            }
        }
    }
    compare_average(&fixture, seed, (int)steps);
    check_gaps(&fixture);
    release_fixture(&fixture);
    (*cases)++;
    return STATUS_OK;
}

static void updates_follow_torch(void **state)
{
    (void)state;
    hid_t file;
    int cases = 0;
    assert_ok(golden_open(arguments.folder, "update", &file));
    assert_ok(golden_each(file, run_case, &cases));
    H5Fclose(file);
    assert_true(cases >= 7);
}

static void slots_have_pytorchs_names(void **state)
{
    (void)state;
    assert_int_equal(update_slot_count(UPDATE_SGD), 1);
    assert_string_equal(update_slots(UPDATE_SGD)[0], "momentum");
    assert_int_equal(update_slot_count(UPDATE_ADAMW), 2);
    assert_string_equal(update_slots(UPDATE_ADAM)[0], "exp_avg");
    assert_string_equal(update_slots(UPDATE_ADAMW)[1], "exp_avg_sq");
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_follow_torch),
        cmocka_unit_test(slots_have_pytorchs_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
