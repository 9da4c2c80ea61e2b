/* The drawn digits: the same for ever, normalised, and a real task. */
#include "tests/unit/data_test.h"

#include <math.h>

enum { PIXELS = 28 * 28, STRIDE = 4 };

static void fields_and_classes_are_described(void **state)
{
    (void)state;
    struct dataset *digits = open_data("source = digits\ntrain = 30\ntest = 20\n");
    assert_int_equal(digits->field_count, 2);
    assert_string_equal(digits->fields[0].name, "image");
    assert_true(shape_equal(digits->fields[0].shape, shape_image(1, 28, 28)));
    assert_string_equal(digits->fields[1].name, "label");
    assert_int_equal(digits->fields[1].dtype, DTYPE_INT32);
    assert_int_equal(digits->count[SPLIT_TRAIN], 30);
    assert_int_equal(digits->count[SPLIT_TEST], 20);
    assert_int_equal(digits->classes, 10);
    assert_string_equal(digits->class_names[7], "7");
    dataset_close(digits);
}

static void padding_is_zero(void **state)
{
    (void)state;
    struct dataset *digits = open_data("source = digits\ntrain = 10\ntest = 0\n");
    static float image[PIXELS * STRIDE];
    int32_t label;
    read_sample(digits, SPLIT_TRAIN, 4, image, &label);
    for (int i = 0; i < PIXELS; i++) {
        assert_true(isfinite(image[i * STRIDE]));
        for (int k = 1; k < STRIDE; k++) {
            assert_true(image[i * STRIDE + k] == 0.0F);
        }
    }
    dataset_close(digits);
}

static void read_all(const char *keys, enum split split, int64_t index, float image[PIXELS * STRIDE])
{
    struct dataset *digits = open_data(keys);
    int32_t label;
    read_sample(digits, split, index, image, &label);
    dataset_close(digits);
}

static void a_digit_depends_on_seed_split_and_index_alone(void **state)
{
    (void)state;
    static float a[PIXELS * STRIDE];
    static float b[PIXELS * STRIDE];
    read_all("source = digits\ntrain = 40\ntest = 40\n", SPLIT_TRAIN, 3, a);
    read_all("source = digits\ntrain = 4\ntest = 0\nseed = 0\n", SPLIT_TRAIN, 3, b);
    assert_memory_equal(a, b, sizeof a);
    read_all("source = digits\ntrain = 40\ntest = 40\nseed = 1\n", SPLIT_TRAIN, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    read_all("source = digits\ntrain = 40\ntest = 40\n", SPLIT_TEST, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    read_all("source = digits\ntrain = 40\ntest = 40\n", SPLIT_TRAIN, 13, b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void a_digit_is_kept_as_it_was_drawn(void **state)
{
    (void)state;
    struct dataset *digits = open_data("source = digits\ntrain = 20\ntest = 0\n");
    static float drawn[PIXELS * STRIDE];
    static float kept[PIXELS * STRIDE];
    int32_t label;
    for (int64_t index = 0; index < 20; index++) {
        read_sample(digits, SPLIT_TRAIN, index, drawn, &label);
        read_sample(digits, SPLIT_TRAIN, (index + 7) % 20, kept, &label); /* another in between */
        read_sample(digits, SPLIT_TRAIN, index, kept, &label);
        assert_memory_equal(drawn, kept, sizeof drawn);
        assert_int_equal(label, index % 10);
    }
    dataset_close(digits);
}

static void digests_tell_datasets_apart(void **state)
{
    (void)state;
    struct dataset *a = open_data("source = digits\ntrain = 40\ntest = 4\n");
    struct dataset *same = open_data("source = digits\ntrain = 40\ntest = 4\n");
    struct dataset *other_seed = open_data("source = digits\ntrain = 40\ntest = 4\nseed = 5\n");
    struct dataset *other_count = open_data("source = digits\ntrain = 41\ntest = 4\n");
    assert_true(same_digest(a, same));
    assert_false(same_digest(a, other_seed));
    assert_false(same_digest(a, other_count));
    dataset_close(a);
    dataset_close(same);
    dataset_close(other_seed);
    dataset_close(other_count);
}

static void pixels_are_normalised(void **state)
{
    (void)state;
    struct dataset *digits = open_data("source = digits\ntrain = 1000\ntest = 0\n");
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < 1000; i++) {
        static float image[PIXELS * STRIDE];
        int32_t label;
        read_sample(digits, SPLIT_TRAIN, i, image, &label);
        for (int k = 0; k < PIXELS; k++) {
            double value = (double)image[k * STRIDE];
            sum += value;
            squares += value * value;
        }
    }
    double mean = sum / (1000.0 * PIXELS);
    assert_float_equal(mean, 0.0, 0.05);
    assert_float_equal(sqrt(squares / (1000.0 * PIXELS) - mean * mean), 1.0, 0.05);
    dataset_close(digits);
}

/* The mean picture of each class is a poor classifier that still must do far better than chance, on other digits than
 * it was made of, and far from perfect. */
static void classes_can_be_told_but_not_too_easily(void **state)
{
    (void)state;
    struct dataset *digits = open_data("source = digits\ntrain = 2000\ntest = 500\n");
    static float means[10][PIXELS];
    static float image[PIXELS * STRIDE];
    int32_t label;
    int seen[10] = {0};
    for (int i = 0; i < 2000; i++) {
        read_sample(digits, SPLIT_TRAIN, i, image, &label);
        assert_in_range(label, 0, 9);
        seen[label]++;
        for (int k = 0; k < PIXELS; k++) {
            means[label][k] += image[k * STRIDE] / 200.0F;
        }
    }
    int right = 0;
    for (int i = 0; i < 500; i++) {
        read_sample(digits, SPLIT_TEST, i, image, &label);
        float best = INFINITY;
        int guess = -1;
        for (int c = 0; c < 10; c++) {
            float distance = 0.0F;
            for (int k = 0; k < PIXELS; k++) {
                float difference = image[k * STRIDE] - means[c][k];
                distance += difference * difference;
            }
            if (distance < best) {
                best = distance;
                guess = c;
            }
        }
        right += guess == label;
    }
    for (int c = 0; c < 10; c++) {
        assert_int_equal(seen[c], 200);
    }
    print_message("the nearest mean is right for %d of 500\n", right);
    assert_in_range(right, 250, 450);
    dataset_close(digits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_classes_are_described),
        cmocka_unit_test(padding_is_zero),
        cmocka_unit_test(a_digit_depends_on_seed_split_and_index_alone),
        cmocka_unit_test(a_digit_is_kept_as_it_was_drawn),
        cmocka_unit_test(digests_tell_datasets_apart),
        cmocka_unit_test(pixels_are_normalised),
        cmocka_unit_test(classes_can_be_told_but_not_too_easily),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
