/* The devices of this machine, and which rank takes which. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "compute/device_choice.h"
#include "compute/engine.h"

static void devices_are_listed_and_chosen(void **state)
{
    (void)state;
    struct device_info *devices;
    int count;
    assert_ok(engine_list(&devices, &count));
    assert_true(count >= 1);
    for (int i = 0; i < count; i++) {
        assert_int_equal(devices[i].index, i);
        assert_true(devices[i].name[0] != '\0');
        assert_true(devices[i].missing[0] != '\0' || devices[i].classes[devices[i].best_class]);
        struct engine_params params = {.kind = ENGINE_VULKAN, .device = i, .local_size = 2, .device_class = -1};
        struct engine *engine = NULL;
        enum status status = engine_create(&params, &engine);
        bool usable = devices[i].missing[0] == '\0' && devices[i].type == DEVICE_CPU;
        assert_int_equal(status, usable ? STATUS_OK : STATUS_BAD_INPUT);
        engine_destroy(engine);
    }
    struct engine_params params = {.kind = ENGINE_VULKAN, .device = count, .local_size = 1, .device_class = -1};
    struct engine *engine = NULL;
    assert_int_equal(engine_create(&params, &engine), STATUS_BAD_INPUT);
    params.device = -1;
    params.device_class = CLASS_COUNT;
    assert_int_equal(engine_create(&params, &engine), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "device.class"));
    free(devices);
}

static void expect_choice(int local_rank, int local_size, bool share, const struct device_info *infos, int count,
                          int expected)
{
    struct engine_params params = {
        .device = -1, .local_rank = local_rank, .local_size = local_size, .share_device = share};
    int choice;
    assert_ok(device_choose(&params, infos, count, &choice));
    assert_int_equal(choice, expected);
}

static void ranks_take_devices_in_turn(void **state)
{
    (void)state;
    const struct device_info devices[] = {
        {.name = "first", .type = DEVICE_DISCRETE},
        {.name = "old", .type = DEVICE_DISCRETE, .missing = "Vulkan 1.2"},
        {.name = "second", .type = DEVICE_INTEGRATED},
        {.name = "cpu", .type = DEVICE_CPU},
    };
    expect_choice(0, 2, false, devices, 4, 0);
    expect_choice(1, 2, false, devices, 4, 2);
    expect_choice(2, 4, true, devices, 4, 0);
    expect_choice(3, 4, true, devices, 4, 2);
    expect_choice(7, 8, false, devices + 3, 1, 0); /* all take the CPU device */
    expect_choice(0, 1, false, devices + 1, 3, 1);

    struct engine_params params = {.device = -1, .local_rank = 2, .local_size = 3};
    int choice;
    assert_int_equal(device_choose(&params, devices, 4, &choice), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "device.share = yes"));
    assert_int_equal(device_choose(&params, devices + 1, 1, &choice), STATUS_NOT_FOUND);
    params.device = 1;
    assert_int_equal(device_choose(&params, devices, 4, &choice), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "it lacks Vulkan 1.2"));
    params.device = 2;
    assert_int_equal(device_choose(&params, devices, 4, &choice), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "device.share = yes"));
    params.share_device = true;
    assert_ok(device_choose(&params, devices, 4, &choice));
    assert_int_equal(choice, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_listed_and_chosen),
        cmocka_unit_test(ranks_take_devices_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
