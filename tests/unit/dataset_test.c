/* What all sources share, and the smallest of them, the straight line. */
#include "tests/unit/data_test.h"

static void wrong_keys_are_collected_not_opened(void **state)
{
    (void)state;
    refuse_data("source = digit\n", "source = digit");
    refuse_data("", "needs the key \"source\"");
    refuse_data("source = line\ncount = 0\n", "count = 0");
    refuse_data("source = line\ncuont = 3\n", "did you mean \"count\"");
    refuse_data("source = csv\n", "needs the key \"target\"");
}

static void every_source_is_told_apart(void **state)
{
    (void)state;
    int count = 0;
    for (; dataset_types[count] != NULL; count++) {
        const struct option *source = option_find(dataset_options, "source");
        assert_string_equal(dataset_types[count]->name, source->choices[count]);
        for (const struct option *option = dataset_types[count]->options; option->name != NULL; option++) {
            assert_null(option_find(dataset_options, option->name));
        }
    }
    assert_int_equal(count, 6);
}

static void the_line_gives_plain_numbers(void **state)
{
    (void)state;
    struct dataset *line = open_data("source = line\n");
    assert_int_equal(line->count[SPLIT_TRAIN], 5);
    assert_int_equal(line->count[SPLIT_TEST], 5);
    assert_int_equal(line->field_count, 2);
    for (int split = 0; split < SPLIT_COUNT; split++) {
        for (int i = 0; i < 5; i++) {
            float x[4];
            float y[4];
            read_sample(line, (enum split)split, i, x, y);
            const float expected_x[4] = {(float)(i + 1)};
            const float expected_y[4] = {(float)(100 * (i + 1))};
            assert_memory_equal(x, expected_x, sizeof x);
            assert_memory_equal(y, expected_y, sizeof y);
        }
    }
    dataset_close(line);
}

static void a_normalised_line_keeps_the_units(void **state)
{
    (void)state;
    struct dataset *line = open_data("source = line\ncount = 9\nslope = -3\nintercept = 7\nnormalize = yes\n");
    double sum[2] = {0.0};
    double squares[2] = {0.0};
    for (int i = 0; i < 9; i++) {
        float values[2][4];
        read_sample(line, SPLIT_TRAIN, i, values[0], values[1]);
        for (int k = 0; k < 2; k++) {
            sum[k] += (double)values[k][0];
            squares[k] += (double)values[k][0] * (double)values[k][0];
        }
        assert_float_equal(values[1][0] * line->target_scale[0] + line->target_offset[0], (float)(7 - 3 * (i + 1)),
                           1e-5);
    }
    for (int k = 0; k < 2; k++) {
        assert_float_equal(sum[k], 0.0, 1e-5);
        assert_float_equal(squares[k], 9.0, 1e-4);
    }
    /* Another line through a checkpoint of this one is scaled as this one. */
    struct checkpoint saved = saved_from(line);
    struct dataset *other = open_saved("source = line\ncount = 3\nnormalize = yes\n", &saved);
    assert_float_equal(other->target_scale[0], line->target_scale[0], 0.0);
    assert_float_equal(other->target_offset[0], line->target_offset[0], 0.0);
    float x[4];
    float y[4];
    read_sample(other, SPLIT_TRAIN, 0, x, y);
    assert_float_equal(y[0], (100.0F - line->target_offset[0]) / line->target_scale[0], 1e-6);
    dataset_close(other);
    dataset_close(line);
}

static void limits_shorten_and_change_the_digest(void **state)
{
    (void)state;
    struct dataset *whole = open_data("source = line\ncount = 50\n");
    struct dataset *limited = open_data("source = line\ncount = 50\ntrain_limit = 7\ntest_limit = 3\n");
    struct dataset *generous = open_data("source = line\ncount = 50\ntrain_limit = 70\n");
    assert_int_equal(limited->count[SPLIT_TRAIN], 7);
    assert_int_equal(limited->count[SPLIT_TEST], 3);
    assert_int_equal(generous->count[SPLIT_TRAIN], 50);
    assert_false(same_digest(whole, limited));
    assert_true(same_digest(whole, generous));
    dataset_close(whole);
    dataset_close(limited);
    dataset_close(generous);
}

static void a_checkpoint_of_other_data_is_refused(void **state)
{
    (void)state;
    struct checkpoint empty = {0};
    refuse_saved("source = line\n", &empty, "data/feature_mean");
    float values[2] = {1.0F, 2.0F};
    struct array array = {.path = "data/feature_mean", .type = ARRAY_FLOAT32, .rank = 1, .dim = {2}, .data = values};
    struct checkpoint wide = {.arrays = &array, .array_count = 1};
    refuse_saved("source = line\n", &wide, "holds 2 values where the data need 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_keys_are_collected_not_opened),  cmocka_unit_test(every_source_is_told_apart),
        cmocka_unit_test(the_line_gives_plain_numbers),         cmocka_unit_test(a_normalised_line_keeps_the_units),
        cmocka_unit_test(limits_shorten_and_change_the_digest), cmocka_unit_test(a_checkpoint_of_other_data_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
