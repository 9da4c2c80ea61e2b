/* What code does not need is left out, and nothing else. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernel_table.h"
#include "compute/spirv.h"
#include "compute/spirv_tidy.h"

#define OP(instruction, ...) (uint32_t)(COUNT_OF(((uint32_t[]){0, __VA_ARGS__}))) << 16 | (instruction), __VA_ARGS__
#define END (1U << 16 | 56) /* OpFunctionEnd */

/* Ids of the code below. */
enum { INT = 100, POINTER, SEVEN, NINE, MAIN, FIRST, SECOND, HEAD, BODY, BACK, BEHIND, IMAGE, A, B, C, D, E, F, BOUND };

#define HEADER SPIRV_MAGIC, 0x10500, 0, BOUND, 0
#define BEGINNING                                                                                                      \
    OP(SPIRV_TYPE_INT, INT, 32, 0), OP(SPIRV_TYPE_POINTER, POINTER, 7, INT), OP(SPIRV_CONSTANT, INT, SEVEN, 7),        \
        OP(SPIRV_CONSTANT, INT, NINE, 9), OP(SPIRV_FUNCTION, INT, MAIN, 0, INT), OP(SPIRV_LABEL, FIRST),               \
        OP(SPIRV_VARIABLE, POINTER, A, 7)

static int count(const uint32_t *words, size_t word_count, uint32_t instruction)
{
    int found = 0;
    for (size_t at = SPIRV_HEADER_WORDS; at < word_count; at += spirv_length(words + at)) {
        found += spirv_instruction(words + at) == instruction;
    }
    return found;
}

static size_t tidied(uint32_t *words, size_t word_count)
{
    assert_ok(spirv_check("test", words, word_count));
    assert_ok(spirv_tidy(words, &word_count));
    assert_ok(spirv_check("test", words, word_count));
    return word_count;
}

static void what_is_stored_is_known_to_the_end_of_the_block(void **state)
{
    (void)state;
    uint32_t code[] = {
        HEADER,
        BEGINNING,
        OP(SPIRV_VARIABLE, POINTER, B, 7),
        OP(SPIRV_STORE, A, SEVEN),
        OP(SPIRV_STORE, B, NINE), /* which is never loaded */
        OP(SPIRV_BRANCH, SECOND),
        OP(SPIRV_LABEL, SECOND),
        OP(SPIRV_LOAD, INT, C, A),
        OP(SPIRV_INTEGER_ADD, INT, D, C, C),
        OP(SPIRV_INTEGER_ADD, INT, E, D, D), /* which nothing uses */
        OP(SPIRV_IMAGE_WRITE, IMAGE, D, D),
        1U << 16 | SPIRV_RETURN,
        END,
    };
    size_t left = tidied(code, COUNT_OF(code));
    assert_int_equal(count(code, left, SPIRV_LABEL), 1);
    assert_int_equal(count(code, left, SPIRV_BRANCH), 0);
    assert_int_equal(count(code, left, SPIRV_VARIABLE), 0);
    assert_int_equal(count(code, left, SPIRV_STORE), 0);
    assert_int_equal(count(code, left, SPIRV_LOAD), 0);
    assert_int_equal(count(code, left, SPIRV_COPY_OBJECT), 1);
    assert_int_equal(count(code, left, SPIRV_INTEGER_ADD), 1);
    assert_int_equal(count(code, left, SPIRV_CONSTANT), 1);
    assert_int_equal(count(code, left, SPIRV_IMAGE_WRITE), 1);
}

static void what_a_loop_brings_back_stays(void **state)
{
    (void)state;
    uint32_t code[] = {
        HEADER,
        BEGINNING,
        OP(SPIRV_VARIABLE, POINTER, B, 7),
        OP(SPIRV_STORE, A, SEVEN),
        OP(SPIRV_STORE, B, SEVEN),
        OP(SPIRV_BRANCH, HEAD),
        OP(SPIRV_LABEL, HEAD),
        OP(SPIRV_LOOP_MERGE, BEHIND, BACK, 0),
        OP(SPIRV_BRANCH, BODY),
        OP(SPIRV_LABEL, BODY),
        OP(SPIRV_LOAD, INT, C, A), /* not of SEVEN alone */
        OP(SPIRV_IMAGE_WRITE, IMAGE, C, C),
        OP(SPIRV_LOAD, INT, D, B),
        OP(SPIRV_INTEGER_ADD, INT, E, D, D),
        OP(SPIRV_STORE, A, E), /* which the next turn loads, so that B is needed too */
        OP(SPIRV_BRANCH_CONDITIONAL, C, BACK, BEHIND),
        OP(SPIRV_LABEL, BACK),
        OP(SPIRV_STORE, B, NINE),
        OP(SPIRV_BRANCH, HEAD),
        OP(SPIRV_LABEL, BEHIND),
        1U << 16 | SPIRV_RETURN,
        END,
    };
    assert_int_equal(tidied(code, COUNT_OF(code)), COUNT_OF(code));
}

static void what_else_a_variable_is_used_for_is_respected(void **state)
{
    (void)state;
    uint32_t code[] = {
        HEADER,
        BEGINNING,
        OP(SPIRV_STORE, A, SEVEN),
        OP(SPIRV_EXTENDED, INT, C, IMAGE, SPIRV_MODF, NINE, A), /* writes A */
        OP(SPIRV_LOAD, INT, D, A),
        OP(SPIRV_IMAGE_WRITE, IMAGE, D, D),
        1U << 16 | SPIRV_RETURN,
        END,
    };
    assert_int_equal(tidied(code, COUNT_OF(code)), COUNT_OF(code));
}

static void check_kernels(const struct kernel_code *table, size_t table_count)
{
    for (size_t i = 0; i < table_count; i++) {
        struct kernel_code code = table[i];
        uint32_t *words;
        assert_ok(memory_allocate(code.word_count, sizeof *words, &words));
        memcpy(words, code.words, code.word_count * sizeof *words);
        code.words = words;
        code.word_count = tidied(words, code.word_count);
        assert_true(code.word_count <= table[i].word_count);
        /* Nothing that has an effect is lost, nor anything of the interface. */
        const uint32_t effects[] = {SPIRV_IMAGE_WRITE, SPIRV_CONTROL_BARRIER, SPIRV_LOOP_MERGE, SPIRV_RETURN,
                                    SPIRV_SPEC_CONSTANT};
        for (size_t j = 0; j < COUNT_OF(effects); j++) {
            assert_int_equal(count(words, code.word_count, effects[j]),
                             count(table[i].words, table[i].word_count, effects[j]));
        }
        struct kernel_interface before, after;
        assert_ok(kernel_reflect(&table[i], &before));
        assert_ok(kernel_reflect(&code, &after));
        assert_memory_equal(&before, &after, sizeof before);
        free(words);
    }
}

static void kernels_keep_their_effects(void **state)
{
    (void)state;
    check_kernels(kernel_table, kernel_table_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_known_to_the_end_of_the_block),
        cmocka_unit_test(what_a_loop_brings_back_stays),
        cmocka_unit_test(what_else_a_variable_is_used_for_is_respected),
        cmocka_unit_test(kernels_keep_their_effects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
