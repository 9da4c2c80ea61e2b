/* Noise of a given shape: the same for ever, without a sample that equals its neighbours, padded with zeros. */
#include "tests/unit/data_test.h"

#include <math.h>

static void images_have_the_given_shape(void **state)
{
    (void)state;
    struct dataset *noise = open_data("source = synthetic\nshape = 3x5x7\nclasses = 4\ntrain = 30\ntest = 20\n");
    assert_int_equal(noise->field_count, 2);
    assert_string_equal(noise->fields[0].name, "image");
    assert_true(shape_equal(noise->fields[0].shape, shape_image(3, 5, 7)));
    assert_string_equal(noise->fields[1].name, "label");
    assert_int_equal(noise->fields[1].dtype, DTYPE_INT32);
    assert_int_equal(noise->classes, 4);
    assert_int_equal(noise->count[SPLIT_TRAIN], 30);
    assert_int_equal(noise->count[SPLIT_TEST], 20);
    dataset_close(noise);
}

static void vectors_have_targets_where_there_are_no_classes(void **state)
{
    (void)state;
    struct dataset *noise = open_data("source = synthetic\nshape = 6\nclasses = 0\ntargets = 5\n");
    assert_string_equal(noise->fields[0].name, "features");
    assert_true(shape_equal(noise->fields[0].shape, shape_vector(6)));
    assert_string_equal(noise->fields[1].name, "target");
    assert_int_equal(noise->fields[1].dtype, DTYPE_FLOAT32);
    assert_true(shape_equal(noise->fields[1].shape, shape_vector(5)));
    assert_int_equal(noise->classes, 0);
    float features[8];
    float target[8];
    read_sample(noise, SPLIT_TRAIN, 0, features, target);
    for (int i = 0; i < 8; i++) {
        assert_true(i < 6 ? features[i] != 0.0F && isfinite(features[i]) : features[i] == 0.0F);
        assert_true(i < 5 ? target[i] != 0.0F && isfinite(target[i]) : target[i] == 0.0F);
    }
    dataset_close(noise);
}

static void padding_is_zero_and_nothing_else(void **state)
{
    (void)state;
    struct dataset *noise = open_data("source = synthetic\nshape = 3x8x8\ntrain = 20\n");
    float image[64 * 4];
    int32_t label;
    for (int64_t index = 0; index < 20; index++) {
        read_sample(noise, SPLIT_TRAIN, index, image, &label);
        for (int i = 0; i < 64 * 4; i++) {
            assert_true(isfinite(image[i]));
            assert_int_equal(image[i] == 0.0F, i % 4 == 3);
        }
    }
    dataset_close(noise);
}

static void every_class_occurs(void **state)
{
    (void)state;
    struct dataset *noise = open_data("source = synthetic\nshape = 4\nclasses = 3\n");
    int seen[3] = {0};
    for (int64_t index = 0; index < 300; index++) {
        float features[4];
        int32_t label;
        read_sample(noise, SPLIT_TRAIN, index, features, &label);
        assert_in_range(label, 0, 2);
        seen[label]++;
    }
    for (int class = 0; class < 3; class ++) {
        assert_in_range(seen[class], 60, 140);
    }
    dataset_close(noise);
}

static void read_numbers(const char *keys, enum split split, int64_t index, float numbers[4])
{
    struct dataset *noise = open_data(keys);
    int32_t label;
    read_sample(noise, split, index, numbers, &label);
    dataset_close(noise);
}

static void a_sample_depends_on_seed_split_and_index_alone(void **state)
{
    (void)state;
    float a[4];
    float b[4];
    read_numbers("source = synthetic\nshape = 4\ntrain = 40\ntest = 40\n", SPLIT_TRAIN, 3, a);
    read_numbers("source = synthetic\nshape = 4\ntrain = 4\nclasses = 2\nseed = 0\n", SPLIT_TRAIN, 3, b);
    assert_memory_equal(a, b, sizeof a);
    read_numbers("source = synthetic\nshape = 4\ntrain = 40\ntest = 40\nseed = 1\n", SPLIT_TRAIN, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    read_numbers("source = synthetic\nshape = 4\ntrain = 40\ntest = 40\n", SPLIT_TEST, 3, b);
    assert_memory_not_equal(a, b, sizeof a);
    read_numbers("source = synthetic\nshape = 4\ntrain = 40\ntest = 40\n", SPLIT_TRAIN, 4, b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void the_digest_tells_what_differs(void **state)
{
    (void)state;
    static const char *const others[] = {"shape = 5\n", "classes = 9\n", "train = 9\n",
                                         "test = 9\n",  "seed = 9\n",    "targets = 9\n"};
    struct dataset *noise = open_data("source = synthetic\n");
    struct dataset *again = open_data("source = synthetic\nshape = 1x28x28\n");
    assert_true(same_digest(noise, again));
    dataset_close(again);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char keys[64];
        snprintf(keys, sizeof keys, "source = synthetic\n%s", others[i]);
        struct dataset *other = open_data(keys);
        assert_false(same_digest(noise, other));
        dataset_close(other);
    }
    dataset_close(noise);
}

static void wrong_shapes_are_refused(void **state)
{
    (void)state;
    static const char *const shapes[] = {"",
                                         "x",
                                         "3x",
                                         "3x32",
                                         "0x3x3",
                                         "-1",
                                         "3x3x3x3",
                                         "3 x 3 x 3",
                                         "1048576x1048576x2",
                                         "1x1048576x1048576",
                                         "1x65536x65536",
                                         "99999999999999999999",
                                         "7,7"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        char keys[96];
        snprintf(keys, sizeof keys, "source = synthetic\nshape = %s\n", shapes[i]);
        refuse_data(keys, "CHANNELSxHEIGHTxWIDTH or LENGTH is wanted");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_have_the_given_shape),
        cmocka_unit_test(vectors_have_targets_where_there_are_no_classes),
        cmocka_unit_test(padding_is_zero_and_nothing_else),
        cmocka_unit_test(every_class_occurs),
        cmocka_unit_test(a_sample_depends_on_seed_split_and_index_alone),
        cmocka_unit_test(the_digest_tells_what_differs),
        cmocka_unit_test(wrong_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
