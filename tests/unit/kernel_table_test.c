/* What shaders say of themselves, and dispatches that do not fit them. */
#include "tests/unit/test.h"

#include <string.h>

#include "base/memory.h"
#include "compute/spirv.h"
#include "tests/unit/test_kernels.h"

static void every_kernel_of_the_build_is_found_and_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < kernel_table_count; i++) {
        struct kernel_interface interface;
        assert_ok(kernel_reflect(&kernel_table[i], &interface));
        assert_ptr_equal(kernel_find(kernel_table[i].name), &kernel_table[i]);
        assert_true(interface.local_size[0] >= 1);
    }
    assert_null(kernel_find("no_such_kernel"));
}

static struct kernel_interface reflect(const char *name)
{
    const struct kernel_code *code = kernel_find_in(test_kernel_table, test_kernel_table_count, name);
    assert_non_null(code);
    struct kernel_interface interface;
    assert_ok(kernel_reflect(code, &interface));
    return interface;
}

static void a_shader_says_all_of_itself(void **state)
{
    (void)state;
    struct kernel_interface kinds = reflect("test_kinds");
    static const struct {
        enum descriptor_kind kind;
        bool reads, writes;
    } expected[] = {
        {DESCRIPTOR_TEXEL_FLOAT4, true, false},  {DESCRIPTOR_TEXEL_FLOAT1, false, true},
        {DESCRIPTOR_TEXEL_INT1, true, false},    {DESCRIPTOR_TEXEL_UINT1, true, true},
        {DESCRIPTOR_STORAGE_BUFFER, true, true}, {DESCRIPTOR_STORAGE_BUFFER, true, false},
        {DESCRIPTOR_STORAGE_BUFFER, true, true},
    };
    assert_int_equal(kinds.binding_count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(kinds.kinds[i], expected[i].kind);
        assert_int_equal(kinds.reads[i], expected[i].reads);
        assert_int_equal(kinds.writes[i], expected[i].writes);
    }
    assert_int_equal(kinds.push_size, 24);
    assert_int_equal(kinds.local_size[0], 8);
    assert_int_equal(kinds.local_size[1], 2);
    assert_int_equal(kinds.local_size[2], 1);
    assert_int_equal(kinds.constant_count, 4);
    assert_int_equal(kinds.shared_size, 16 * 17 * 4 + 4 * 8);
}

/* In the form that drivers of all vendors take, whatever the compiler wrote. */
static void cooperative_matrices_are_known(void **state)
{
    (void)state;
    static const char *const names[] = {"matmul_rows_matrix", "matmul_columns_matrix"};
    static const int constants[] = {11, 7};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct kernel_code *code = kernel_find(names[i]);
        assert_non_null(code);
        struct kernel_interface interface;
        assert_ok(kernel_reflect(code, &interface));
        assert_true(interface.matrices);
        assert_false(interface.lanes);
        assert_int_equal(interface.constant_count, constants[i]); /* without the device's own */
        int types = 0;
        for (size_t at = SPIRV_HEADER_WORDS; at < code->word_count; at += spirv_length(code->words + at)) {
            enum { OLD_FIRST = 5357, OLD_LAST = 5362, TYPE = 4456 }; /* SPV_NV_cooperative_matrix; SPV_KHR_... */
            uint32_t instruction = spirv_instruction(code->words + at);
            assert_true(instruction < OLD_FIRST || instruction > OLD_LAST);
            types += instruction == TYPE;
        }
        assert_int_equal(types, 3); /* of both operands and of sums */
    }
    struct kernel_interface plain;
    assert_ok(kernel_reflect(kernel_find("matmul_rows_gpu"), &plain));
    assert_false(plain.matrices);
}

static void a_bare_shader_has_nothing(void **state)
{
    (void)state;
    struct kernel_interface bare = reflect("test_bare");
    assert_int_equal(bare.binding_count, 0);
    assert_int_equal(bare.push_size, 0);
    assert_int_equal(bare.constant_count, 0);
    assert_int_equal(bare.shared_size, 0);
}

static void code_that_is_no_shader_is_refused(void **state)
{
    (void)state;
    const struct kernel_code *good = kernel_find_in(test_kernel_table, test_kernel_table_count, "test_scale");
    struct kernel_interface interface;
    const uint32_t noise[] = {1, 2, 3, 4, 5, 6};
    struct kernel_code bad = {"noise", noise, COUNT_OF(noise)};
    assert_int_equal(kernel_reflect(&bad, &interface), STATUS_FAILED);
    uint32_t cut[1024];
    memcpy(cut, good->words, 12 * sizeof *cut);
    cut[11] = 40U << 16 | 71; /* an instruction of 40 words, of which one is there */
    bad = (struct kernel_code){"cut", cut, 12};
    cut[5] = 6U << 16;
    assert_int_equal(kernel_reflect(&bad, &interface), STATUS_FAILED);
    assert_non_null(strstr(status_message(), "cut off"));
}

static struct dispatch good_dispatch(void)
{
    return (struct dispatch){
        .kernel = "test_scale",
        .bindings = {{0, ACCESS_READ, 0, 64}, {1, ACCESS_WRITE, 256, 64}},
        .binding_count = 2,
        .constant_count = 1,
        .push_size = 8,
        .groups = {1, 1, 1},
    };
}

static void expect_refused(const struct dispatch *dispatch, const char *words)
{
    struct kernel_interface interface = reflect("test_scale");
    assert_int_equal(kernel_check(dispatch, &interface), STATUS_FAILED);
    if (strstr(status_message(), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", status_message(), words);
    }
}

static void dispatches_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct kernel_interface interface = reflect("test_scale");
    struct dispatch dispatch = good_dispatch();
    assert_ok(kernel_check(&dispatch, &interface));

    dispatch.binding_count = 1;
    expect_refused(&dispatch, "1 bindings, the shader 2");
    dispatch = good_dispatch();
    dispatch.bindings[0].access = ACCESS_READ_WRITE;
    expect_refused(&dispatch, "reads and writes binding 0, the shader reads it");
    dispatch = good_dispatch();
    dispatch.bindings[1].access = ACCESS_READ;
    expect_refused(&dispatch, "reads binding 1, the shader writes it");
    dispatch = good_dispatch();
    dispatch.bindings[0].size = 60;
    expect_refused(&dispatch, "multiple of 16");
    dispatch = good_dispatch();
    dispatch.bindings[0].size = 0;
    expect_refused(&dispatch, "0 bytes");
    dispatch = good_dispatch();
    dispatch.bindings[1].offset = 128;
    expect_refused(&dispatch, "byte 128");
    dispatch = good_dispatch();
    dispatch.bindings[0].tensor = TENSOR_NONE;
    expect_refused(&dispatch, "TENSOR_NONE");
    dispatch = good_dispatch();
    dispatch.push_size = 12;
    expect_refused(&dispatch, "12 bytes of push constants");
    dispatch = good_dispatch();
    dispatch.constant_count = 2;
    expect_refused(&dispatch, "2 specialization constants, the shader 1");
    dispatch = good_dispatch();
    dispatch.groups[1] = 0;
    expect_refused(&dispatch, "workgroups");
    dispatch = good_dispatch();
    dispatch.groups[0] = DISPATCH_MAX_GROUPS + 1;
    expect_refused(&dispatch, "workgroups");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_of_the_build_is_found_and_understood),
        cmocka_unit_test(a_shader_says_all_of_itself),
        cmocka_unit_test(cooperative_matrices_are_known),
        cmocka_unit_test(a_bare_shader_has_nothing),
        cmocka_unit_test(code_that_is_no_shader_is_refused),
        cmocka_unit_test(dispatches_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
