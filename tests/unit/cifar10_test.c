/* CIFAR-10's binary version: right files in all ways to name them, and every way to be wrong. */
#include "tests/unit/data_test.h"

#include <math.h>
#include <zlib.h>

enum { RECORD = 3073, PLANE = 1024, SIDE = 32 };

#define FOLDER "source = cifar10\npath = .\n"

static const char names[] = "plane\ncar\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

/* Record i has the label i % 10, and pixels that tell record, channel and place apart. */
static uint8_t pixel(int record, int channel, int place)
{
    return (uint8_t)(7 * record + 50 * channel + place % SIDE + 3 * (place / SIDE));
}

static uint8_t *make_records(int first, int count)
{
    uint8_t *bytes = malloc((size_t)count * RECORD);
    assert_non_null(bytes);
    for (int i = 0; i < count; i++) {
        bytes[i * RECORD] = (uint8_t)((first + i) % 10);
        for (int j = 0; j < 3 * PLANE; j++) {
            bytes[i * RECORD + 1 + j] = pixel(first + i, j / PLANE, j % PLANE);
        }
    }
    return bytes;
}

static void write_records(const char *path, int first, int count)
{
    uint8_t *bytes = make_records(first, count);
    write_file(path, bytes, (size_t)count * RECORD);
    free(bytes);
}

static void write_packed(const char *path, int first, int count)
{
    uint8_t *bytes = make_records(first, count);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)(count * RECORD)), count * RECORD);
    assert_int_equal(gzclose(file), Z_OK);
    free(bytes);
}

/* Five records to train on in two files, two to test on. */
static void write_folder(void)
{
    write_records("data_batch_1.bin", 0, 3);
    write_records("data_batch_2.bin", 3, 2);
    write_records("test_batch.bin", 5, 2);
    write_text("batches.meta.txt", names);
}

static void a_folder_is_read_and_normalised(void **state)
{
    (void)state;
    write_folder();
    struct dataset *cifar10 = open_data(FOLDER);
    assert_true(shape_equal(cifar10->fields[0].shape, shape_image(3, SIDE, SIDE)));
    assert_string_equal(cifar10->fields[0].name, "image");
    assert_string_equal(cifar10->fields[1].name, "label");
    assert_int_equal(cifar10->count[SPLIT_TRAIN], 5);
    assert_int_equal(cifar10->count[SPLIT_TEST], 2);
    assert_int_equal(cifar10->classes, 10);
    assert_string_equal(cifar10->class_names[0], "plane");
    assert_string_equal(cifar10->class_names[9], "truck");
    for (int channel = 0; channel < 3; channel++) {
        double sum = 0.0;
        double squares = 0.0;
        for (int i = 0; i < 5 * PLANE; i++) {
            double value = pixel(i / PLANE, channel, i % PLANE) / 255.0;
            sum += value;
            squares += value * value;
        }
        double mean = sum / (5 * PLANE);
        double deviation = sqrt(squares / (5 * PLANE) - mean * mean);
        for (int i = 0; i < 7; i++) {
            float image[4 * PLANE];
            int32_t label;
            read_sample(cifar10, i < 5 ? SPLIT_TRAIN : SPLIT_TEST, i < 5 ? i : i - 5, image, &label);
            assert_int_equal(label, i);
            for (int place = 0; place < PLANE; place++) {
                double expected = (pixel(i, channel, place) / 255.0 - mean) / deviation;
                assert_float_equal(image[4 * place + channel], (float)expected, 1e-4);
                assert_true(image[4 * place + 3] == 0.0F);
            }
        }
        assert_float_equal(cifar10->border[channel], (float)(-mean / deviation), 1e-5);
    }
    dataset_close(cifar10);
}

static void packed_or_named_files_are_the_same_data(void **state)
{
    (void)state;
    write_folder();
    struct dataset *plain = open_data(FOLDER);
    write_packed("data_batch_2.bin.gz", 3, 2);
    struct dataset *twin = open_data(FOLDER);
    assert_true(same_digest(plain, twin));
    remove("data_batch_2.bin");
    struct dataset *packed = open_data(FOLDER);
    assert_true(same_digest(plain, packed));
    char keys[512];
    char folder[128];
    assert_non_null(getcwd(folder, sizeof folder));
    snprintf(keys, sizeof keys, "source = cifar10\npath = .\ntrain = %s/data_*_{1,2}.*\ntest = test_batch.bin\n",
             folder);
    struct dataset *named = open_data(keys);
    assert_true(same_digest(plain, named));
    struct dataset *here = open_data("source = cifar10\n");
    assert_true(same_digest(plain, here));
    dataset_close(here);
    struct dataset *half = open_data(FOLDER "train = data_batch_2*\n");
    assert_int_equal(half->count[SPLIT_TRAIN], 2);
    assert_false(same_digest(plain, half));
    dataset_close(plain);
    dataset_close(twin);
    dataset_close(packed);
    dataset_close(named);
    dataset_close(half);
}

static void a_test_part_can_be_left_out(void **state)
{
    (void)state;
    write_folder();
    struct dataset *cifar10 = open_data(FOLDER "test =\n");
    assert_int_equal(cifar10->count[SPLIT_TRAIN], 5);
    assert_int_equal(cifar10->count[SPLIT_TEST], 0);
    dataset_close(cifar10);
    refuse_data(FOLDER "train =\n", "data to train on");
}

static void names_of_classes_are_optional(void **state)
{
    (void)state;
    write_folder();
    struct dataset *named = open_data(FOLDER);
    remove("batches.meta.txt");
    struct dataset *numbered = open_data(FOLDER);
    assert_string_equal(numbered->class_names[0], "0");
    assert_string_equal(numbered->class_names[9], "9");
    assert_false(same_digest(named, numbered));
    write_text("batches.meta.txt", "plane\ncar\n");
    refuse_data(FOLDER, "./batches.meta.txt holds 2 names; there must be 10");
    char eleven[256];
    snprintf(eleven, sizeof eleven, "%sone more\n", names);
    write_text("batches.meta.txt", eleven);
    refuse_data(FOLDER, "holds 11 names");
    dataset_close(named);
    dataset_close(numbered);
}

static void a_checkpoint_decides_names_and_normalisation(void **state)
{
    (void)state;
    write_folder();
    struct dataset *first = open_data(FOLDER);
    struct checkpoint saved = saved_from(first);
    write_records("data_batch_1.bin", 40, 3);
    remove("batches.meta.txt");
    struct dataset *learnt = open_data(FOLDER);
    struct dataset *restored = open_saved(FOLDER, &saved);
    assert_string_equal(restored->class_names[1], "car");
    float image[4 * PLANE];
    float image_restored[4 * PLANE];
    int32_t label;
    read_sample(first, SPLIT_TEST, 0, image, &label);
    read_sample(restored, SPLIT_TEST, 0, image_restored, &label);
    assert_memory_equal(image, image_restored, sizeof image);
    assert_memory_equal(first->border, restored->border, 3 * sizeof(float));
    read_sample(learnt, SPLIT_TEST, 0, image, &label);
    assert_memory_not_equal(image, image_restored, sizeof image);
    dataset_close(learnt);
    dataset_close(restored);

    struct text_entry few = {.path = (char[]){"data/class_names"}, .text = (char[]){"one\ntwo\n"}};
    saved.texts = &few;
    refuse_saved(FOLDER, &saved, "data/class_names of the checkpoint holds 2 names");
    saved.text_count = 0;
    refuse_saved(FOLDER, &saved, "has no data/class_names");
    dataset_close(first);
}

static void missing_files_are_named(void **state)
{
    (void)state;
    refuse_data("source = cifar10\n", "there is no file data_batch*: mend path");
    refuse_data("source = cifar10\npath = nowhere\n", "there is no file nowhere/data_batch*: mend path");
    write_folder();
    remove("test_batch.bin");
    refuse_data(FOLDER, "there is no file ./test_batch*");
    refuse_data(FOLDER "test = tost*\n", "name the files with test");
    refuse_data("source = cifar10\ntrain = .\n", ". cannot be read: Is a directory");
}

static void wrong_records_are_refused(void **state)
{
    (void)state;
    write_folder();
    uint8_t *bytes = make_records(0, 3);
    write_file("data_batch_2.bin", bytes, 0);
    refuse_data(FOLDER, "./data_batch_2.bin is empty");
    write_file("data_batch_2.bin", bytes, 3 * RECORD - 1);
    refuse_data(FOLDER, "./data_batch_2.bin holds 9218 bytes, but records of CIFAR-10's binary version have 3073");
    write_file("data_batch_2.bin", bytes, RECORD + 1);
    refuse_data(FOLDER, "./data_batch_2.bin holds 3074 bytes");
    bytes[2 * RECORD] = 10;
    write_file("test_batch.bin", bytes, 3 * RECORD);
    write_file("data_batch_2.bin", bytes, 2 * RECORD);
    refuse_data(FOLDER, "./test_batch.bin: the label of record 2 (from 0) is 10; labels are 0 to 9");
    free(bytes);
}

static void broken_gzip_is_refused(void **state)
{
    (void)state;
    write_folder();
    write_packed("data_batch_3.bin.gz", 0, 4);
    FILE *file = fopen("data_batch_3.bin.gz", "rb");
    assert_non_null(file);
    static uint8_t packed[5 * RECORD];
    size_t size = fread(packed, 1, sizeof packed, file);
    fclose(file);
    assert_true(size > 40);
    write_file("data_batch_3.bin.gz", packed, size - 12);
    refuse_data(FOLDER, "./data_batch_3.bin.gz is cut off");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folder_is_read_and_normalised, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(packed_or_named_files_are_the_same_data, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_test_part_can_be_left_out, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(names_of_classes_are_optional, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(a_checkpoint_decides_names_and_normalisation, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(missing_files_are_named, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(wrong_records_are_refused, enter_folder, leave_folder),
        cmocka_unit_test_setup_teardown(broken_gzip_is_refused, enter_folder, leave_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
