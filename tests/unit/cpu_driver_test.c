/*
 * What the program makes of Mesa's driver for CPUs (compute/vulkan/cpu_driver/), unless the environment says otherwise:
 * where the processor can, products and sums are one instruction with one rounding; and kernels load and store whole
 * registers.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute/single.h"
#include "compute/vulkan/cpu_driver/cpu_driver.h"

/* A layer of samples of one vector, evaluated by an engine of its own. */
static void run(const char *type, const char *options, int64_t samples, int64_t size, const float *input,
                const float *parameter, float *output)
{
    struct engine_params engine = {
        .kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .device_class = CLASS_CPU, .share_device = true};
    enum dtype dtype = DTYPE_FLOAT32;
    struct shape shape = shape_vector(size);
    struct single_part part = {1, 0, 1};
    struct single_params params = {.engine = &engine,
                                   .type = layer_type_find(type),
                                   .options = options,
                                   .mode = TAPE_EVALUATE,
                                   .samples = samples,
                                   .inputs = &shape,
                                   .dtypes = &dtype,
                                   .input_count = 1,
                                   .parts = &part,
                                   .part_count = 1};
    struct single *single;
    assert_ok(single_create(&params, &single));
    if (parameter != NULL) {
        assert_ok(single_write_parameter(single, 0, parameter));
    }
    single_write_input(single, 0, 0, input);
    assert_ok(single_run(single, 0, NULL, NULL));
    assert_ok(single_read_output(single, 0, output));
    single_destroy(single);
}

static bool processor_fuses(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("fma");
#else
    return true;
#endif
}

/* -1 + a a with a = 1 + 2^-12: the last bit of a a, 2^-24, is lost where the product is rounded by itself. */
static void check(bool fused)
{
    const float a = 1 + ldexpf(1, -12);
    float y;
    run("linear", "features = 1\nbias = false\n", 1, 2, (const float[]){-1, a}, (const float[]){1, a}, &y);
    assert_float_equal(y, ldexpf(1, -11) + (fused ? ldexpf(1, -24) : 0), 0);
}

static void multiply_adds_are_fused(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("LEMNOS_FMA"), 0);
    check(processor_fuses());
}

static void unless_switched_off(void **state)
{
    (void)state;
    assert_int_equal(setenv("LEMNOS_FMA", "off", 1), 0);
    check(false);
}

enum { SAMPLES = 37, INPUTS = 45, OUTPUTS = 23 };

/* Sizes that fill registers, and such that do not; lanes whose places lie side by side, and such that do not. */
static void compute(float outputs[2][SAMPLES * INPUTS])
{
    float input[SAMPLES * INPUTS];
    float parameter[INPUTS * OUTPUTS];
    for (int i = 0; i < SAMPLES * INPUTS; i++) {
        input[i] = sinf((float)i);
    }
    for (int i = 0; i < INPUTS * OUTPUTS; i++) {
        parameter[i] = cosf((float)i);
    }
    memset(outputs, 0, 2 * sizeof outputs[0]);
    run("relu", "", SAMPLES, INPUTS, input, NULL, outputs[0]);
    run("linear", "features = 23\nbias = false\n", SAMPLES, INPUTS, input, parameter, outputs[1]);
}

static void whole_registers_change_no_bit(void **state)
{
    (void)state;
    float with[2][SAMPLES * INPUTS];
    float without[2][SAMPLES * INPUTS];
    assert_int_equal(setenv("MESA_SHADER_CACHE_DISABLE", "true", 1), 0); /* as they are compiled now */
    assert_int_equal(unsetenv("LEMNOS_VECTORS"), 0);
    compute(with);
    assert_int_equal(setenv("LEMNOS_VECTORS", "off", 1), 0);
    compute(without);
    assert_memory_equal(with, without, sizeof with);
    assert_int_equal(unsetenv("LEMNOS_VECTORS"), 0);
    assert_int_equal(unsetenv("MESA_SHADER_CACHE_DISABLE"), 0);
}

/* Against a driver, or an LLVM, whose code is other than what is looked for: then all is right, and slow. */
static void what_is_rewritten_is_found(void **state)
{
    (void)state;
    assert_int_equal(setenv("MESA_SHADER_CACHE_DISABLE", "true", 1), 0);
    struct cpu_driver_counts before = cpu_driver_count();
    float outputs[2][SAMPLES * INPUTS];
    compute(outputs);
    struct cpu_driver_counts after = cpu_driver_count();
    assert_int_equal(unsetenv("MESA_SHADER_CACHE_DISABLE"), 0);
    if (after.kernels == before.kernels) {
        skip(); /* the driver brings an LLVM of its own */
    }
    /* relu has 8 of each, linear many more. */
    assert_true(after.loads - before.loads >= 32);
    assert_true(after.stores - before.stores >= 16);
    assert_true(cpu_driver_held() >= after.kernels - before.kernels);
    /* With registers of 8 lanes the driver writes by an instruction that takes a mask. Linear's loop has 128 sums. */
    const char *width = getenv("LP_NATIVE_VECTOR_WIDTH");
    if (width != NULL && strcmp(width, "512") == 0) {
        assert_true(after.masked_writes - before.masked_writes >= 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiply_adds_are_fused),       cmocka_unit_test(unless_switched_off),
        cmocka_unit_test(multiply_adds_are_fused), /* the caches of compiled kernels are two */
        cmocka_unit_test(whole_registers_change_no_bit), cmocka_unit_test(what_is_rewritten_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
