/* Kernels compute the same without the branches that their constants decide. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine.h"
#include "compute/kernel_specialise.h"
#include "compute/spirv.h"
#include "tests/unit/test_kernels.h"

enum { SIZE = 64, HALF_BYTES = SIZE * 4 };

enum { MODES = 6, FLAGS = 2, LIMITS = 6, CASES = MODES * FLAGS * LIMITS };

struct case_constants {
    uint32_t mode, flag, limit;
};

static struct case_constants constants_of(int index)
{
    return (struct case_constants){.mode = (uint32_t)(index % MODES),
                                   .flag = (uint32_t)(index / MODES % FLAGS),
                                   .limit = (uint32_t)(index / MODES / FLAGS)};
}

/* A program of one dispatch for each case. */
struct made {
    struct tensor output;
    struct tape_step steps[CASES];
    struct phase phase;
    struct program program;
};

static void make(struct made *made)
{
    memset(made, 0, sizeof *made);
    made->output = (struct tensor){"output", REGION_OUTPUT, 0, CASES * 2 * HALF_BYTES};
    struct tape *tape = &made->phase.tape;
    strcpy(made->phase.name, "train");
    tape->tensors = &made->output;
    tape->tensor_count = 1;
    tape->steps = made->steps;
    tape->step_count = CASES;
    tape->geometry = (struct geometry){.piece_count = 1, .first_copy = 1};
    for (int i = 0; i < CASES; i++) {
        struct case_constants constants = constants_of(i);
        const struct {
            uint32_t mode, flag;
            int32_t limit;
            uint32_t half_size;
        } push = {constants.mode, constants.flag, (int32_t)constants.limit, SIZE};
        made->steps[i].kind = STEP_DISPATCH;
        struct dispatch *dispatch = &made->steps[i].dispatch;
        *dispatch = (struct dispatch){
            .kernel = "test_branches",
            .bindings = {{0, ACCESS_WRITE, (uint64_t)i * 2 * HALF_BYTES, 2 * HALF_BYTES}},
            .binding_count = 1,
            .constants = {constants.mode, constants.flag, constants.limit},
            .constant_count = 3,
            .groups = {SIZE / 8, 1, 1},
        };
        dispatch_push(dispatch, push);
    }
    assert_ok(plan_create(tape, NULL, 0, &made->phase.plan));
    struct program *program = &made->program;
    program->phases[0] = &made->phase;
    program->phase_count = 1;
    program->region_sizes[REGION_OUTPUT] = made->output.size;
}

static void constants_decide_as_values_do(void **state)
{
    (void)state;
    struct made made;
    make(&made);
    struct engine_params params = {
        .kind = ENGINE_VULKAN,
        .device = -1,
        .local_size = 1,
        .share_device = true,
        .device_class = -1,
        .kernels = test_kernel_table,
        .kernel_count = test_kernel_table_count,
        .validation = true, /* of the SPIR-V above all */
    };
    struct engine *engine;
    enum status status = engine_create(&params, &engine);
    if (status == STATUS_BAD_INPUT) { /* the layers are not installed */
        print_message("%s\n", status_message());
        params.validation = false;
        status = engine_create(&params, &engine);
    }
    assert_ok(status);
    assert_ok(engine_load(engine, &made.program));
    assert_ok(engine_begin(engine, 0));
    struct engine_event event;
    do {
        assert_ok(engine_poll(engine, 1000, &event));
    } while (event.kind == EVENT_NONE);
    assert_int_equal(event.kind, EVENT_DONE);
    const float *y = engine_host(engine, REGION_OUTPUT);
    for (int i = 0; i < CASES; i++) {
        struct case_constants constants = constants_of(i);
        for (int j = 0; j < SIZE; j++) {
            float cut = y[i * 2 * SIZE + j];
            float whole = y[i * 2 * SIZE + SIZE + j];
            if (cut != whole) {
                fail_msg("mode %u flag %u limit %u: y[%d] = %g, by values %g", constants.mode, constants.flag,
                         constants.limit, j, (double)cut, (double)whole);
            }
        }
    }
    engine_destroy(engine);
    plan_release(&made.phase.plan);
}

/* What drivers may take for granted: every loop's head has a way back to it. */
static void check_loops(const uint32_t *words, size_t word_count)
{
    uint32_t label = 0;
    for (size_t at = SPIRV_HEADER_WORDS; at < word_count; at += spirv_length(words + at)) {
        if (spirv_instruction(words + at) == SPIRV_LABEL) {
            label = words[at + 1];
        } else if (spirv_instruction(words + at) == SPIRV_LOOP_MERGE) {
            bool found = false;
            for (size_t behind = at; behind < word_count; behind += spirv_length(words + behind)) {
                uint32_t count = spirv_target_count(words + behind);
                for (uint32_t i = 0; i < count; i++) {
                    found |= spirv_target(words + behind, i) == label;
                }
            }
            assert_true(found);
        }
    }
}

static size_t specialised_size(const struct kernel_code *code, const uint32_t *constants, int count)
{
    uint32_t *words;
    size_t word_count;
    assert_ok(kernel_specialise(code, constants, count, &words, &word_count));
    struct kernel_interface interface;
    struct kernel_code made = {code->name, words, word_count};
    assert_ok(kernel_reflect(&made, &interface));
    assert_int_equal(interface.lanes ? DISPATCH_LANES_CONSTANT + 1 : interface.constant_count, count);
    check_loops(words, word_count);
    free(words);
    return word_count;
}

static void branches_are_cut(void **state)
{
    (void)state;
    const struct kernel_code *branches = kernel_find_in(test_kernel_table, test_kernel_table_count, "test_branches");
    for (int i = 0; i < CASES; i++) {
        struct case_constants constants = constants_of(i);
        const uint32_t values[] = {constants.mode, constants.flag, constants.limit};
        assert_true(specialised_size(branches, values, COUNT_OF(values)) <= branches->word_count);
    }
    /* What it is for: this one has branches for every layout of its operands, 32 times. */
    const struct kernel_code *matmul = kernel_find("matmul_rows_cpu");
    const uint32_t values[] = {0, 1, 1, 1, 0, 32, 8, 0, 0, 0, 0, 0, 0, 0, 0, 8};
    assert_true(specialised_size(matmul, values, COUNT_OF(values)) < matmul->word_count / 4);
}

static void every_kernel_keeps_its_interface(void **state)
{
    (void)state;
    for (size_t i = 0; i < kernel_table_count; i++) {
        struct kernel_interface interface;
        assert_ok(kernel_reflect(&kernel_table[i], &interface));
        const uint32_t constants[DISPATCH_MAX_CONSTANTS] = {0};
        assert_true(specialised_size(&kernel_table[i], constants,
                                     interface.lanes ? DISPATCH_LANES_CONSTANT + 1 : interface.constant_count) <=
                    kernel_table[i].word_count);
    }
}

static void what_is_no_shader_is_refused(void **state)
{
    (void)state;
    const uint32_t noise[] = {1, 2, 3, 4, 5, 6};
    struct kernel_code bad = {"noise", noise, COUNT_OF(noise)};
    uint32_t *words;
    size_t word_count;
    assert_int_equal(kernel_specialise(&bad, NULL, 0, &words, &word_count), STATUS_FAILED);
    const uint32_t cut[] = {0x07230203, 0x10500, 0, 8, 0, 40U << 16 | 71}; /* of 40 words, one is there */
    bad = (struct kernel_code){"cut", cut, COUNT_OF(cut)};
    assert_int_equal(kernel_specialise(&bad, NULL, 0, &words, &word_count), STATUS_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_decide_as_values_do),
        cmocka_unit_test(branches_are_cut),
        cmocka_unit_test(every_kernel_keeps_its_interface),
        cmocka_unit_test(what_is_no_shader_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
