/* Augmentation: what it may do to an image, that it is drawn from (seed, epoch, sample) alone, and who sees it. */
#include "tests/unit/data_test.h"

#include "data/loader.h"

enum { HEIGHT = 5, WIDTH = 7, CHANNELS = 3, STRIDE = 4, VALUES = HEIGHT * WIDTH * STRIDE };

static const float border[CHANNELS] = {-1.0F, -2.0F, -3.0F};

/* What stands at a place of the original, the border outside of it. */
static float original(int row, int column, int channel)
{
    if (row < 0 || row >= HEIGHT || column < 0 || column >= WIDTH) {
        return border[channel];
    }
    return (float)(100 * channel + 10 * row + column);
}

/* Augments the original; tells what was drawn by comparing with all that is allowed: false where it is none of it. */
static bool draw(const struct augmentation *augmentation, uint64_t item, int *down, int *right, bool *flipped)
{
    float image[VALUES] = {0};
    for (int i = 0; i < HEIGHT * WIDTH * CHANNELS; i++) {
        int place = i / CHANNELS;
        image[place * STRIDE + i % CHANNELS] = original(place / WIDTH, place % WIDTH, i % CHANNELS);
    }
    struct random random;
    random_init(&random, 1, RANDOM_AUGMENT, item);
    augment_image(augmentation, &random, shape_image(CHANNELS, HEIGHT, WIDTH), border, image);
    int padding = (int)augmentation->crop_padding;
    for (int choice = 0; choice < 2 * (2 * padding + 1) * (2 * padding + 1); choice++) {
        *flipped = choice % 2 == 1;
        *down = choice / 2 % (2 * padding + 1) - padding;
        *right = choice / 2 / (2 * padding + 1) - padding;
        float expected[VALUES] = {0};
        for (int i = 0; i < HEIGHT * WIDTH * CHANNELS; i++) {
            int place = i / CHANNELS;
            int column = *flipped ? WIDTH - 1 - place % WIDTH : place % WIDTH;
            expected[place * STRIDE + i % CHANNELS] = original(place / WIDTH + *down, column + *right, i % CHANNELS);
        }
        if (memcmp(image, expected, sizeof image) == 0) {
            return true;
        }
    }
    return false;
}

static void crops_are_uniform_and_padded(void **state)
{
    (void)state;
    enum { PADDING = 4, PLACES = 2 * PADDING + 1, DRAWS = 81 * 60 };
    const struct augmentation augmentation = {.crop_padding = PADDING};
    int counts[PLACES][PLACES] = {{0}};
    for (int i = 0; i < DRAWS; i++) {
        int down;
        int right;
        bool flipped;
        assert_true(draw(&augmentation, (uint64_t)i, &down, &right, &flipped));
        assert_false(flipped);
        counts[down + PADDING][right + PADDING]++;
    }
    for (int i = 0; i < PLACES * PLACES; i++) {
        assert_in_range(counts[i / PLACES][i % PLACES], 25, 100); /* 60 expected, 4.5 deviations */
    }
}

static void flips_are_even_and_do_not_depend_on_the_crop(void **state)
{
    (void)state;
    const struct augmentation flip = {.flip = true};
    const struct augmentation both = {.flip = true, .crop_padding = 2};
    int count = 0;
    for (int i = 0; i < 2000; i++) {
        int down;
        int right;
        bool alone;
        bool cropped;
        assert_true(draw(&flip, (uint64_t)i, &down, &right, &alone));
        assert_int_equal(down, 0);
        assert_int_equal(right, 0);
        assert_true(draw(&both, (uint64_t)i, &down, &right, &cropped));
        assert_int_equal(alone, cropped);
        count += alone;
    }
    assert_in_range(count, 900, 1100);
}

static void only_images_and_only_in_part(void **state)
{
    (void)state;
    refuse_data("source = line\nflip = yes\n", "flip: source = line gives no images");
    refuse_data("source = line\ncrop_padding = 1\n", "crop_padding: source = line gives no images");
    refuse_data("source = digits\ntrain = 10\ntest = 0\ncrop_padding = 28\n",
                "leaves nothing of an image of 1 x 28 x 28");
    dataset_close(open_data("source = digits\ntrain = 10\ntest = 0\ncrop_padding = 27\n"));
    refuse_data("source = synthetic\nshape = 784\nflip = yes\n", "flip: source = synthetic gives no images");
    dataset_close(open_data("source = synthetic\nshape = 3x8x8\ncrop_padding = 7\n"));
}

static void height_and_width_both_limit_the_crop(void **state)
{
    (void)state;
    static const uint8_t label[] = {0, 0, 8, 1, 0, 0, 0, 1, 0};
    uint8_t image[] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    write_file("label", label, sizeof label);
    for (int turned = 0; turned < 2; turned++) {
        image[11] = turned ? 3 : 2;
        image[15] = turned ? 2 : 3;
        write_file("image", image, sizeof image);
        refuse_data("source = idx\ntrain_images = image\ntrain_labels = label\ntest_images = image\n"
                    "test_labels = label\ncrop_padding = 2\n",
                    turned ? "leaves nothing of an image of 1 x 3 x 2" : "leaves nothing of an image of 1 x 2 x 3");
    }
}

enum { SIDE = 28, DIGIT = SIDE * SIDE * STRIDE, SAMPLES = 8 };

#define DIGITS "source = digits\ntrain = 8\ntest = 8\n"
#define AUGMENTED DIGITS "crop_padding = 4\nflip = yes\n"

static void read_digit(const struct dataset *digits, int64_t index, int64_t epoch, float image[DIGIT])
{
    int32_t label;
    void *fields[] = {image, &label};
    assert_ok(dataset_read_augmented(digits, SPLIT_TRAIN, index, epoch, fields));
}

static void samples_depend_on_seed_epoch_and_index(void **state)
{
    (void)state;
    struct dataset *digits = open_data(AUGMENTED);
    struct dataset *plain = open_data(DIGITS);
    static float first[DIGIT];
    static float second[DIGIT];
    int same_epochs = 0;
    int same_seeds = 0;
    for (int i = 0; i < SAMPLES; i++) {
        digits->seed = 1;
        read_digit(digits, i, 3, first);
        read_digit(digits, (i + 1) % SAMPLES, 7, second);
        read_digit(digits, i, 3, second);
        assert_memory_equal(first, second, sizeof first);
        read_digit(digits, i, 4, second);
        same_epochs += memcmp(first, second, sizeof first) == 0;
        digits->seed = 2;
        read_digit(digits, i, 3, second);
        same_seeds += memcmp(first, second, sizeof first) == 0;

        int32_t label;
        read_sample(digits, SPLIT_TRAIN, i, first, &label);
        read_digit(plain, i, 3, second);
        assert_memory_equal(first, second, sizeof first);

        struct random random;
        random_init(&random, 2, RANDOM_AUGMENT, ((uint64_t)3 << 32) + (uint64_t)i);
        augment_image(&digits->augmentation, &random, digits->fields[0].shape, digits->border, first);
        read_digit(digits, i, 3, second);
        assert_memory_equal(first, second, sizeof first);
    }
    /* Of 162 possibilities the same is drawn now and then. */
    assert_true(same_epochs <= 1 && same_seeds <= 1);
    dataset_close(digits);
    dataset_close(plain);
}

static void padding_is_black(void **state)
{
    (void)state;
    struct dataset *digits = open_data(DIGITS "crop_padding = 27\n");
    static float image[DIGIT];
    /* Drawings leave their corners black. */
    int32_t label;
    read_sample(digits, SPLIT_TRAIN, 0, image, &label);
    float black = image[0];
    for (int i = 0; i < SAMPLES; i++) {
        read_digit(digits, i, 0, image);
        for (int place = 0; place < SIDE * SIDE; place++) {
            assert_true(image[STRIDE * place] >= black);
        }
    }
    assert_true(digits->border[0] == black);
    dataset_close(digits);
}

/* All images of one epoch, by sample. */
static void load(const struct dataset *digits, bool train, float (*images)[DIGIT])
{
    struct loader_params params = {
        .dataset = digits, .split = SPLIT_TRAIN, .train = train, .seed = 1, .batch = SAMPLES, .count = SAMPLES};
    struct loader *loader;
    const struct batch *batch;
    assert_ok(loader_create(&params, &loader));
    assert_ok(loader_next(loader, &batch));
    for (int i = 0; i < SAMPLES; i++) {
        memcpy(images[batch->indices[i]], (const float *)batch->fields[0] + i * DIGIT, sizeof images[0]);
    }
    loader_destroy(loader);
}

static void training_alone_is_augmented(void **state)
{
    (void)state;
    struct dataset *digits = open_data(AUGMENTED);
    static float images[SAMPLES][DIGIT];
    static float expected[DIGIT];
    load(digits, true, images);
    for (int i = 0; i < SAMPLES; i++) {
        read_digit(digits, i, 0, expected);
        assert_memory_equal(images[i], expected, sizeof expected);
    }
    load(digits, false, images);
    for (int i = 0; i < SAMPLES; i++) {
        int32_t label;
        read_sample(digits, SPLIT_TRAIN, i, expected, &label);
        assert_memory_equal(images[i], expected, sizeof expected);
    }
    dataset_close(digits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crops_are_uniform_and_padded),
        cmocka_unit_test(flips_are_even_and_do_not_depend_on_the_crop),
        cmocka_unit_test(only_images_and_only_in_part),
        cmocka_unit_test_setup_teardown(height_and_width_both_limit_the_crop, enter_folder, leave_folder),
        cmocka_unit_test(samples_depend_on_seed_epoch_and_index),
        cmocka_unit_test(padding_is_black),
        cmocka_unit_test(training_alone_is_augmented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
