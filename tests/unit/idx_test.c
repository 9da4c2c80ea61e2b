/* IDX files: right ones in all shapes, and every way to be wrong. */
#include "tests/unit/data_test.h"

#include <math.h>
#include <zlib.h>

#define FOUR_FILES "source = idx\ntrain_images = ti\ntrain_labels = tl\ntest_images = ei\ntest_labels = el\n"

struct bytes {
    uint8_t data[4096];
    size_t size;
};

static void add(struct bytes *bytes, uint32_t value, int size)
{
    for (int i = size - 1; i >= 0; i--) {
        bytes->data[bytes->size++] = (uint8_t)(value >> (8 * i));
    }
}

static struct bytes header(uint32_t magic, int rank, const uint32_t *dim)
{
    struct bytes bytes = {.size = 0};
    add(&bytes, magic, 4);
    for (int i = 0; i < rank; i++) {
        add(&bytes, dim[i], 4);
    }
    return bytes;
}

/* `count` images of 2 x 3 with pixels first, first + 1, ... */
static struct bytes images(uint32_t count, int first)
{
    struct bytes bytes = header(0x803, 3, (const uint32_t[]){count, 2, 3});
    for (uint32_t i = 0; i < count * 6; i++) {
        add(&bytes, (uint32_t)first + i, 1);
    }
    return bytes;
}

static struct bytes labels(uint32_t count, uint32_t classes)
{
    struct bytes bytes = header(0x801, 1, &count);
    for (uint32_t i = 0; i < count; i++) {
        add(&bytes, i % classes, 1);
    }
    return bytes;
}

static void write_bytes(const char *path, struct bytes bytes)
{
    write_file(path, bytes.data, bytes.size);
}

static void write_gzip(const char *path, struct bytes bytes)
{
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes.data, (unsigned)bytes.size), (int)bytes.size);
    assert_int_equal(gzclose(file), Z_OK);
}

static void write_four(void)
{
    write_bytes("ti", images(4, 10));
    write_bytes("tl", labels(4, 3));
    write_bytes("ei", images(2, 100));
    write_bytes("el", labels(2, 2));
}

static void files_are_read_and_normalised(void **state)
{
    (void)state;
    write_four();
    struct dataset *idx = open_data(FOUR_FILES);
    assert_true(shape_equal(idx->fields[0].shape, shape_image(1, 2, 3)));
    assert_int_equal(idx->count[SPLIT_TRAIN], 4);
    assert_int_equal(idx->count[SPLIT_TEST], 2);
    assert_int_equal(idx->classes, 3);
    assert_string_equal(idx->class_names[2], "2");
    /* Pixels 10 .. 33. */
    double mean = 21.5 / 255.0;
    double deviation = sqrt((24.0 * 24.0 - 1.0) / 12.0) / 255.0;
    for (int i = 0; i < 4; i++) {
        float image[6 * 4];
        int32_t label;
        read_sample(idx, SPLIT_TRAIN, i, image, &label);
        assert_int_equal(label, i % 3);
        for (int k = 0; k < 6; k++) {
            assert_float_equal(image[4 * k], (float)(((10 + 6 * i + k) / 255.0 - mean) / deviation), 1e-5);
            assert_true(image[4 * k + 1] == 0.0F && image[4 * k + 2] == 0.0F && image[4 * k + 3] == 0.0F);
        }
    }
    float image[6 * 4];
    int32_t label;
    read_sample(idx, SPLIT_TEST, 1, image, &label);
    assert_int_equal(label, 1);
    assert_float_equal(image[0], (float)((106 / 255.0 - mean) / deviation), 1e-5);
    dataset_close(idx);
}

static void channels_go_last(void **state)
{
    (void)state;
    write_four();
    struct bytes coloured = header(0x804, 4, (const uint32_t[]){4, 5, 1, 2});
    for (uint32_t i = 0; i < 4 * 5 * 2; i++) {
        add(&coloured, i % 10 < 2 ? 7 : i, 1); /* the first channel is constant */
    }
    write_bytes("ti", coloured);
    write_bytes("ei", coloured);
    write_bytes("el", labels(4, 3));
    struct dataset *idx = open_data(FOUR_FILES);
    assert_true(shape_equal(idx->fields[0].shape, shape_image(5, 1, 2)));
    struct dataset_state kept = dataset_state(idx);
    const float *mean = kept.arrays[0].data;
    const float *deviation = kept.arrays[1].data;
    assert_string_equal(kept.arrays[0].path, "data/mean");
    assert_int_equal(kept.arrays[0].dim[0], 5);
    assert_float_equal(deviation[0], 1.0, 0.0);
    float image[2 * 8];
    int32_t label;
    read_sample(idx, SPLIT_TRAIN, 2, image, &label);
    for (int position = 0; position < 2; position++) {
        for (int channel = 0; channel < 8; channel++) {
            float value = image[8 * position + channel];
            int pixel = channel == 0 ? 7 : 20 + 2 * channel + position;
            double expected = channel < 5 ? (pixel / 255.0 - (double)mean[channel]) / (double)deviation[channel] : 0.0;
            assert_float_equal(value, (float)expected, 1e-5);
        }
    }
    dataset_close(idx);
}

static void gzip_in_a_folder_is_the_same_data(void **state)
{
    (void)state;
    write_four();
    write_gzip("train-images-idx3-ubyte.gz", images(4, 10));
    write_gzip("train-labels-idx1-ubyte.gz", labels(4, 3));
    write_bytes("t10k-images-idx3-ubyte", images(2, 100));
    write_gzip("t10k-labels-idx1-ubyte.gz", labels(2, 2));
    struct dataset *plain = open_data(FOUR_FILES);
    struct dataset *packed = open_data("source = idx\npath = .\n");
    assert_true(same_digest(plain, packed));
    write_bytes("ti", images(4, 11));
    struct dataset *other = open_data(FOUR_FILES);
    assert_false(same_digest(plain, other));
    dataset_close(plain);
    dataset_close(packed);
    dataset_close(other);
}

static void a_checkpoint_decides_the_normalisation(void **state)
{
    (void)state;
    write_four();
    struct dataset *first = open_data(FOUR_FILES);
    struct checkpoint saved = saved_from(first);
    write_bytes("ti", images(4, 100));
    write_bytes("tl", labels(4, 2));
    struct dataset *learnt = open_data(FOUR_FILES);
    struct dataset *restored = open_saved(FOUR_FILES, &saved);
    assert_int_equal(learnt->classes, 2);
    assert_int_equal(restored->classes, 3);
    float image[6 * 4];
    float image_restored[6 * 4];
    int32_t label;
    read_sample(first, SPLIT_TEST, 0, image, &label);
    read_sample(restored, SPLIT_TEST, 0, image_restored, &label);
    assert_memory_equal(image, image_restored, sizeof image);
    read_sample(learnt, SPLIT_TEST, 0, image, &label);
    assert_memory_not_equal(image, image_restored, sizeof image);
    dataset_close(learnt);
    dataset_close(restored);

    write_bytes("tl", labels(4, 4));
    refuse_saved(FOUR_FILES, &saved, "the classes learnt from are 0 to 2");
    float zero = 0.0F;
    saved.arrays[1].data = &zero;
    refuse_saved(FOUR_FILES, &saved, "data/std");
    dataset_close(first);
}

static void missing_files_are_named(void **state)
{
    (void)state;
    write_four();
    refuse_data("source = idx\n", "train_images");
    refuse_data("source = idx\npath = nowhere\n", "nowhere/train-images-idx3-ubyte");
    remove("el");
    refuse_data(FOUR_FILES, "there is no file el: paths begin at");
    refuse_data("source = idx\ntrain_images = .\ntrain_labels = tl\ntest_images = ei\ntest_labels = ei\n",
                ". cannot be read: Is a directory");
}

static void refuse_images(struct bytes bytes, const char *part)
{
    write_bytes("ti", bytes);
    refuse_data(FOUR_FILES, "ti");
    refuse_data(FOUR_FILES, part);
    write_gzip("ti", bytes);
    refuse_data(FOUR_FILES, part);
}

static void lying_headers_are_refused(void **state)
{
    (void)state;
    write_four();
    struct bytes good = images(4, 10);
    for (size_t size = 0; size < good.size; size++) {
        struct bytes cut = good;
        cut.size = size;
        refuse_images(cut, size < 16 ? "the header is cut off" : "the file ends after");
    }
    struct bytes longer = good;
    add(&longer, 0, 1);
    refuse_images(longer, "goes on behind them");
    refuse_images(header(0x12345678, 0, NULL), "magic number begins with 12 34");
    refuse_images(header(0x00000D03, 3, (const uint32_t[]){1, 1, 1}), "type of the values is 0x0d");
    refuse_images(header(0x00000802, 2, (const uint32_t[]){1, 1}), "number of dimensions is 2");
    refuse_images(header(0x000008FF, 4, (const uint32_t[]){1, 1, 1, 1}), "number of dimensions is 255");
    refuse_images(header(0x803, 3, (const uint32_t[]){4, 0, 3}), "dimension 2 is 0");
    refuse_images(header(0x803, 3, (const uint32_t[]){0, 2, 3}), "dimension 1 is 0");
    refuse_images(header(0x803, 3, (const uint32_t[]){UINT32_MAX, UINT32_MAX, UINT32_MAX}), "too large to be true");
    refuse_images(header(0x803, 3, (const uint32_t[]){UINT32_MAX, 1000, 1000}), "the file ends after 16");
    refuse_images(header(0x804, 4, (const uint32_t[]){65536, 65536, 65536, 32768}), "too large to be true");
}

static void parts_must_fit_each_other(void **state)
{
    (void)state;
    write_four();
    write_bytes("tl", labels(3, 3));
    refuse_data(FOUR_FILES, "ti holds 4 images, but tl holds 3 labels");
    write_bytes("tl", images(4, 0));
    refuse_data(FOUR_FILES, "tl: the number of dimensions is 3; labels have 1");
    write_bytes("tl", labels(4, 3));
    write_bytes("el", labels(2, 2));
    struct bytes square = header(0x803, 3, (const uint32_t[]){2, 1, 1});
    add(&square, 0, 2);
    write_bytes("ei", square);
    refuse_data(FOUR_FILES, "the test images are 1 x 1 x 1");
    write_bytes("ei", images(2, 0));
    struct bytes far = labels(2, 2);
    far.data[far.size - 1] = 9;
    write_bytes("el", far);
    refuse_data(FOUR_FILES, "label 1 of the test labels is 9");
}

static void broken_gzip_is_refused(void **state)
{
    (void)state;
    write_four();
    struct bytes many = images(40, 0);
    write_bytes("tl", labels(40, 3));
    write_gzip("whole.gz", many);
    FILE *file = fopen("whole.gz", "rb");
    assert_non_null(file);
    uint8_t packed[4096];
    size_t size = fread(packed, 1, sizeof packed, file);
    fclose(file);
    assert_true(size > 40);
    write_file("ti", packed, size - 12);
    refuse_data(FOUR_FILES, "ti is cut off");
    packed[size - 7] ^= 1; /* in the check sum */
    write_file("ti", packed, size);
    refuse_data(FOUR_FILES, "ti has a broken gzip stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_are_read_and_normalised, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(channels_go_last, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(gzip_in_a_folder_is_the_same_data, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_checkpoint_decides_the_normalisation, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(missing_files_are_named, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(lying_headers_are_refused, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(parts_must_fit_each_other, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(broken_gzip_is_refused, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
