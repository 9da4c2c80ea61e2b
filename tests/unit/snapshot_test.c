/* Reading checkpoints of older versions. */
#include "tests/unit/test.h"

#include "base/memory.h"
#include "train/snapshot.h"

static int64_t epoch_of(int64_t epoch, double first_record)
{
    struct metric_record records[2] = {{.step = 10, .epoch = first_record}, {.step = 20, .epoch = first_record + 1}};
    struct array array = {
        .path = (char[]){"metrics"}, .type = ARRAY_FLOAT64, .rank = 2, .dim = {2, 4}, .data = records};
    struct checkpoint checkpoint = {
        .step = 20, .epoch = epoch, .arrays = &array, .array_count = first_record < 0 ? 0 : 1};
    return snapshot_epoch(&checkpoint);
}

static void epochs_of_older_checkpoints_are_counted_anew(void **state)
{
    (void)state;
    assert_int_equal(epoch_of(1, 0), 2); /* records from epoch 0 on: an older one */
    assert_int_equal(epoch_of(2, 1), 2);
    assert_int_equal(epoch_of(0, -1), 1); /* no records yet */
    assert_int_equal(epoch_of(1, -1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(epochs_of_older_checkpoints_are_counted_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
