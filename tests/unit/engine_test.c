/* Engines run a program made by hand: events in order, values exact, hazards found, errors told. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine.h"
#include "shaders/step.h"
#include "tests/unit/test_kernels.h"

enum { COUNT = 192, FLAT = 2 * COUNT, BYTES = COUNT * 4 };

enum { X, A, B, GRADIENTS, SENT, RECEIVED, OUTPUT, STEP, PARAMETERS, CONSTANTS, TENSOR_TOTAL };

static const struct tensor all_tensors[TENSOR_TOTAL] = {
    [X] = {"x", REGION_INPUT, 0, BYTES},
    [A] = {"a", REGION_ARENA, 0, BYTES},
    [B] = {"b", REGION_ARENA, 0, BYTES},
    [GRADIENTS] = {"gradients", REGION_GRADIENTS, 0, UINT64_MAX},
    [SENT] = {"sent", REGION_EXCHANGE, 0, BYTES},
    [RECEIVED] = {"received", REGION_EXCHANGE, BYTES, BYTES},
    [OUTPUT] = {"output", REGION_OUTPUT, 0, 2 * BYTES},
    [STEP] = {"step", REGION_STEP, 0, sizeof(struct step_scalars)},
    [PARAMETERS] = {"parameters", REGION_PARAMETERS, 0, UINT64_MAX},
    [CONSTANTS] = {"constants", REGION_CONSTANTS, 0, UINT64_MAX},
};

static const struct bucket_range buckets[2] = {{0, COUNT}, {COUNT, COUNT}};

/* One phase, in memory that a test may spoil before it is loaded. */
struct made {
    struct tensor tensors[TENSOR_TOTAL];
    struct tape_step steps[16];
    struct bucket_range buckets[2];
    float constants[COUNT];
    struct phase phase;
    struct program program;
};

static struct dispatch *add_dispatch(struct made *made, const char *kernel)
{
    struct tape_step *step = &made->steps[made->phase.tape.step_count++];
    step->kind = STEP_DISPATCH;
    step->dispatch = (struct dispatch){.kernel = kernel, .groups = {COUNT / 8, 1, 1}};
    return &step->dispatch;
}

static void bind(struct dispatch *dispatch, int tensor, enum access access, uint64_t offset, uint64_t size)
{
    dispatch->bindings[dispatch->binding_count++] = (struct binding){tensor, access, offset, size};
}

/* to[offset ..] = factor * from + bias */
static void add_scale(struct made *made, int from, int to, uint64_t offset, float factor, float bias)
{
    struct dispatch *dispatch = add_dispatch(made, "test_scale");
    bind(dispatch, from, ACCESS_READ, 0, BYTES);
    bind(dispatch, to, ACCESS_WRITE, offset, BYTES);
    const struct {
        uint32_t count;
        float factor;
    } push = {COUNT / 4, factor};
    dispatch_push(dispatch, push);
    memcpy(&dispatch->constants[dispatch->constant_count++], &bias, sizeof bias);
}

/* to += loss_scale * from */
static void add_add(struct made *made, int from, int to)
{
    struct dispatch *dispatch = add_dispatch(made, "test_add");
    bind(dispatch, from, ACCESS_READ, 0, BYTES);
    bind(dispatch, STEP, ACCESS_READ, 0, sizeof(struct step_scalars));
    bind(dispatch, to, ACCESS_READ_WRITE, 0, BYTES);
}

/*
 *  a = 2 x + 1;  b = 3 a;  gradients[1][first bucket] = b;  sent = -b;  the host answers;
 *  gradients[1][second bucket] = 2 received;  parameters += loss_scale b;  output = b + 5, constants;  a = 7 x (a
 * hazard: written again while others read it)
 */
static void make(struct made *made)
{
    memset(made, 0, sizeof *made);
    memcpy(made->tensors, all_tensors, sizeof all_tensors);
    memcpy(made->buckets, buckets, sizeof buckets);
    struct tape *tape = &made->phase.tape;
    strcpy(made->phase.name, "train");
    tape->tensors = made->tensors;
    tape->tensor_count = TENSOR_TOTAL;
    tape->steps = made->steps;
    tape->flat_count = FLAT;
    tape->geometry = (struct geometry){.piece_count = 1, .first_copy = 1};
    add_scale(made, X, A, 0, 2, 1);
    add_scale(made, A, B, 0, 3, 0);
    add_scale(made, B, GRADIENTS, FLAT * 4, 1, 0);
    add_scale(made, B, SENT, 0, -1, 0);
    made->steps[tape->step_count++] = (struct tape_step){
        .kind = STEP_HOST,
        .host = {HOST_SUM_SHARDS, {SENT, ACCESS_READ, 0, BYTES}, {RECEIVED, ACCESS_WRITE, 0, BYTES}, COUNT},
    };
    add_scale(made, RECEIVED, GRADIENTS, FLAT * 4 + BYTES, 2, 0);
    add_add(made, B, PARAMETERS);
    add_scale(made, B, OUTPUT, 0, 1, 5);
    add_scale(made, CONSTANTS, OUTPUT, BYTES, 1, 0);
    add_scale(made, X, A, 0, 7, 0);
    add_dispatch(made, "test_bare");
    assert_ok(plan_create(tape, made->buckets, 2, &made->phase.plan));
    struct program *program = &made->program;
    program->flat_count = FLAT;
    program->buckets = made->buckets;
    program->bucket_count = 2;
    program->phases[0] = &made->phase;
    program->phase_count = 1;
    program->region_sizes[REGION_PARAMETERS] = FLAT * 4;
    program->region_sizes[REGION_GRADIENTS] = 2 * FLAT * 4;
    program->region_sizes[REGION_INPUT] = BYTES;
    program->region_sizes[REGION_OUTPUT] = 2 * BYTES;
    program->region_sizes[REGION_EXCHANGE] = 2 * BYTES;
    program->region_sizes[REGION_STEP] = sizeof(struct step_scalars);
    for (int i = 0; i < COUNT; i++) {
        made->constants[i] = (float)(i * i);
    }
    program->region_sizes[REGION_CONSTANTS] = sizeof made->constants;
    program->constants = (unsigned char *)made->constants;
}

static struct engine_params parameters(enum engine_kind kind)
{
    return (struct engine_params){
        .kind = kind,
        .device = -1,
        .local_size = 1,
        .share_device = true,
        .device_class = -1,
        .kernels = test_kernel_table,
        .kernel_count = test_kernel_table_count,
    };
}

static struct engine_event next_event(struct engine *engine)
{
    struct engine_event event;
    do {
        assert_ok(engine_poll(engine, 1000, &event));
    } while (event.kind == EVENT_NONE);
    return event;
}

/* Runs the phase with input x[i] = i + turn, answering the host step with 10 times what was sent. */
static void run(struct engine *engine, int turn)
{
    float *x = engine_host(engine, REGION_INPUT);
    for (int i = 0; i < COUNT; i++) {
        x[i] = (float)(i + turn);
    }
    ((struct step_scalars *)engine_host(engine, REGION_STEP))->loss_scale = (float)(turn % 2);
    assert_ok(engine_begin(engine, 0));
    struct engine_event event = next_event(engine);
    assert_int_equal(event.kind, EVENT_BUCKETS);
    assert_int_equal(event.first_bucket, 0);
    assert_int_equal(event.bucket_count, 1);
    event = next_event(engine);
    assert_int_equal(event.kind, EVENT_HOST);
    assert_int_equal(event.host->count, COUNT);
    const float *sent = engine_exchange(engine, &event.host->input);
    float *received = engine_exchange(engine, &event.host->output);
    for (int i = 0; i < COUNT; i++) {
        received[i] = 10 * sent[i];
    }
    assert_ok(engine_continue(engine));
    event = next_event(engine);
    assert_int_equal(event.kind, EVENT_BUCKETS);
    assert_int_equal(event.first_bucket, 1);
    assert_int_equal(next_event(engine).kind, EVENT_DONE);
}

static void expect_values(struct engine *engine, int turn)
{
    const float *gradients = engine_host(engine, REGION_GRADIENTS);
    const float *output = engine_host(engine, REGION_OUTPUT);
    for (int i = 0; i < COUNT; i++) {
        float b = 3 * (2 * (float)(i + turn) + 1);
        assert_float_equal(gradients[FLAT + i], b, 0);
        assert_float_equal(gradients[FLAT + COUNT + i], -20 * b, 0);
        assert_float_equal(gradients[i], 0, 0);
        assert_float_equal(output[i], b + 5, 0);
        assert_float_equal(output[COUNT + i], (float)(i * i), 0);
    }
}

/* Parameters after turns 0 .. turns - 1 from a start of 1000: every odd turn adds b. */
static void expect_parameters(struct engine *engine, int turns)
{
    assert_ok(engine_pull(engine, REGION_PARAMETERS, 0, FLAT * 4));
    const float *values = engine_host(engine, REGION_PARAMETERS);
    for (int i = 0; i < COUNT; i++) {
        float expected = 1000;
        for (int turn = 1; turn < turns; turn += 2) {
            expected += 3 * (2 * (float)(i + turn) + 1);
        }
        assert_float_equal(values[i], expected, 0);
    }
}

static void run_many(const struct engine_params *params, int turns)
{
    static struct made made;
    make(&made);
    struct engine *engine;
    assert_ok(engine_create(params, &engine));
    assert_ok(engine_load(engine, &made.program));
    float *values = engine_host(engine, REGION_PARAMETERS);
    for (int i = 0; i < FLAT; i++) {
        values[i] = 1000;
    }
    assert_ok(engine_push(engine, REGION_PARAMETERS, 0, FLAT * 4));
    for (int turn = 0; turn < turns; turn++) {
        run(engine, turn);
        expect_values(engine, turn);
    }
    expect_parameters(engine, turns);
    if (params->timestamps) {
        double seconds[16];
        assert_ok(engine_times(engine, 0, seconds));
        for (int i = 0; i < made.phase.tape.step_count; i++) {
            assert_true(seconds[i] >= 0 && seconds[i] < 10);
        }
        assert_true(seconds[0] > 0);
        assert_true(seconds[4] == 0); /* the host step */
    }
    engine_destroy(engine);
    plan_release(&made.phase.plan);
}

static void replay_gives_the_same_every_time(void **state)
{
    (void)state;
    struct engine_params params = parameters(ENGINE_VULKAN);
    run_many(&params, 100);
}

static void staged_memory_gives_the_same(void **state)
{
    (void)state;
    struct engine_params params = parameters(ENGINE_VULKAN);
    params.staged = true;
    run_many(&params, 100);
}

static void timestamps_change_no_value(void **state)
{
    (void)state;
    struct engine_params params = parameters(ENGINE_VULKAN);
    params.timestamps = true;
    run_many(&params, 3);
}

/* False where the layers are not installed. */
static bool has_validation(void)
{
    struct engine_params params = parameters(ENGINE_VULKAN);
    params.validation = true;
    struct engine *engine = NULL;
    enum status status = engine_create(&params, &engine);
    engine_destroy(engine);
    if (status == STATUS_BAD_INPUT) {
        print_message("%s\n", status_message());
        return false;
    }
    assert_int_equal(status, STATUS_OK);
    return true;
}

static void validation_layers_are_quiet(void **state)
{
    (void)state;
    if (!has_validation()) {
        skip();
    }
    for (int i = 0; i < 4; i++) {
        struct engine_params params = parameters(ENGINE_VULKAN);
        params.validation = true;
        params.staged = (i & 1) != 0;
        params.timestamps = (i & 2) != 0;
        run_many(&params, 3);
    }
}

static void validation_layers_find_a_missing_barrier(void **state)
{
    (void)state;
    if (!has_validation()) {
        skip();
    }
    static struct made made;
    make(&made);
    assert_true(made.phase.plan.barriers[1]);
    made.phase.plan.barriers[1] = false;
    struct engine_params params = parameters(ENGINE_VULKAN);
    params.validation = true;
    struct engine *engine;
    assert_ok(engine_create(&params, &engine));
    assert_int_equal(engine_load(engine, &made.program), STATUS_FAILED);
    assert_non_null(strstr(status_message(), "SYNC-HAZARD-READ"));
    engine_destroy(engine);
    plan_release(&made.phase.plan);
}

static void the_null_engine_yields_the_events(void **state)
{
    (void)state;
    static struct made made;
    make(&made);
    struct engine_params params = parameters(ENGINE_NULL);
    struct engine *engine;
    assert_ok(engine_create(&params, &engine));
    assert_ok(engine_load(engine, &made.program));
    run(engine, 0);
    run(engine, 1);
    assert_ok(engine_pull(engine, REGION_PARAMETERS, 0, FLAT * 4));
    engine_destroy(engine);
    plan_release(&made.phase.plan);
}

static void expect_load(struct made *made, enum status expected, const char *words)
{
    struct engine_params params = parameters(ENGINE_NULL);
    struct engine *engine;
    assert_ok(engine_create(&params, &engine));
    assert_int_equal(engine_load(engine, &made->program), expected);
    if (strstr(status_message(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", status_message(), words);
    }
    engine_destroy(engine);
    plan_release(&made->phase.plan);
}

static void programs_that_cannot_run_are_refused(void **state)
{
    (void)state;
    static struct made made;
    make(&made);
    made.steps[1].dispatch.kernel = "no_such_kernel";
    expect_load(&made, STATUS_NOT_FOUND, "phase train: step 1: there is no kernel no_such_kernel");
    make(&made);
    made.steps[1].dispatch.binding_count = 1;
    expect_load(&made, STATUS_FAILED, "step 1: kernel test_scale: the dispatch has 1 bindings, the shader 2");
    make(&made);
    made.steps[1].dispatch.bindings[0].size = BYTES + 256;
    expect_load(&made, STATUS_FAILED, "tensor a, which has 768");
    make(&made);
    made.steps[2].dispatch.bindings[1].offset = 2 * FLAT * 4 - 256;
    expect_load(&made, STATUS_FAILED, "the region gradients, which has 3072");
    make(&made);
    made.phase.plan.offsets[A] += 16;
    made.program.region_sizes[REGION_ARENA] = 1 << 20;
    expect_load(&made, STATUS_FAILED, "does not lie at a multiple of 256");
    make(&made);
    made.phase.plan.segments[1].first_step++;
    expect_load(&made, STATUS_FAILED, "segment 1 begins at step");
    make(&made);
    made.phase.plan.segment_count--;
    expect_load(&made, STATUS_FAILED, "too early");
    make(&made);
    made.steps[4].host.input.tensor = X;
    expect_load(&made, STATUS_FAILED, "outside the exchange region");
}

static void memory_that_is_not_there_is_named(void **state)
{
    (void)state;
    static struct made made;
    make(&made);
    made.program.region_sizes[REGION_ARENA] = (uint64_t)1 << 50;
    struct engine_params params = parameters(ENGINE_VULKAN);
    struct engine *engine;
    assert_ok(engine_create(&params, &engine));
    assert_int_equal(engine_load(engine, &made.program), STATUS_NO_MEMORY);
    assert_non_null(strstr(status_message(), "1125899906842624"));
    engine_destroy(engine);
    plan_release(&made.phase.plan);
}

static void calls_out_of_order_are_refused(void **state)
{
    (void)state;
    static struct made made;
    make(&made);
    struct engine_params params = parameters(ENGINE_NULL);
    struct engine *engine;
    struct engine_event event;
    assert_ok(engine_create(&params, &engine));
    assert_int_equal(engine_begin(engine, 0), STATUS_FAILED);
    assert_ok(engine_load(engine, &made.program));
    assert_int_equal(engine_load(engine, &made.program), STATUS_FAILED);
    assert_int_equal(engine_begin(engine, 1), STATUS_FAILED);
    assert_int_equal(engine_poll(engine, 0, &event), STATUS_FAILED);
    assert_int_equal(engine_continue(engine), STATUS_FAILED);
    assert_int_equal(engine_push(engine, REGION_ARENA, 0, 4), STATUS_FAILED);
    assert_int_equal(engine_push(engine, REGION_INPUT, BYTES, 4), STATUS_FAILED);
    assert_ok(engine_begin(engine, 0));
    assert_int_equal(engine_begin(engine, 0), STATUS_FAILED);
    assert_int_equal(engine_push(engine, REGION_INPUT, 0, 4), STATUS_FAILED);
    assert_int_equal(next_event(engine).kind, EVENT_BUCKETS);
    assert_int_equal(next_event(engine).kind, EVENT_HOST);
    assert_int_equal(engine_poll(engine, 0, &event), STATUS_FAILED);
    engine_destroy(engine);
    plan_release(&made.phase.plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replay_gives_the_same_every_time),
        cmocka_unit_test(staged_memory_gives_the_same),
        cmocka_unit_test(timestamps_change_no_value),
        cmocka_unit_test(validation_layers_are_quiet),
        cmocka_unit_test(validation_layers_find_a_missing_barrier),
        cmocka_unit_test(the_null_engine_yields_the_events),
        cmocka_unit_test(programs_that_cannot_run_are_refused),
        cmocka_unit_test(memory_that_is_not_there_is_named),
        cmocka_unit_test(calls_out_of_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
