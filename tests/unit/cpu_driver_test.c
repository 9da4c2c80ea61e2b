/*
 * What the program makes of Mesa's driver for CPUs: where the processor can, products and sums are one instruction with
 * one rounding (compute/vulkan/cpu_driver_fma.c), unless the environment says otherwise.
 */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>

#include "compute/single.h"

/* x . w of two elements each, by a linear layer. */
static float multiply_add(const float x[2], const float w[2])
{
    struct engine_params engine = {
        .kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .device_class = CLASS_CPU, .share_device = true};
    enum dtype dtype = DTYPE_FLOAT32;
    struct shape shape = shape_vector(2);
    struct single_part part = {1, 0, 1};
    struct single_params params = {.engine = &engine,
                                   .type = layer_type_find("linear"),
                                   .options = "features = 1\nbias = false\n",
                                   .mode = TAPE_EVALUATE,
                                   .samples = 1,
                                   .inputs = &shape,
                                   .dtypes = &dtype,
                                   .input_count = 1,
                                   .parts = &part,
                                   .part_count = 1};
    struct single *single;
    float y;
    assert_ok(single_create(&params, &single));
    assert_ok(single_write_parameter(single, 0, w));
    single_write_input(single, 0, 0, x);
    assert_ok(single_run(single, 0, NULL, NULL));
    assert_ok(single_read_output(single, 0, &y));
    single_destroy(single);
    return y;
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
    float y = multiply_add((const float[]){-1, a}, (const float[]){1, a});
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multiply_adds_are_fused), cmocka_unit_test(unless_switched_off),
        cmocka_unit_test(multiply_adds_are_fused), /* the caches of compiled kernels are two */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
