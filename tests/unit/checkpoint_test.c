/* One checkpoint: what is saved comes back bit for bit, and what is not ours is refused with a reason. */
#include "tests/unit/test.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoints/image.h"
#include "checkpoints/seal.h"
#include "tests/unit/checkpoint_place.h"

static void every_kind_of_content_comes_back(void **state)
{
    const struct place *place = *state;
    struct checkpoint *saved = NULL, *loaded = NULL;
    assert_ok(sample_checkpoint(123, 1000, &saved));
    save(saved, place->path);
    assert_ok(checkpoint_load(place->path, &loaded));
    assert_true(same_checkpoint(saved, loaded));
    const struct array *array = checkpoint_array(loaded, "model/layer1.0.conv1.weight");
    assert_non_null(array);
    assert_int_equal(array_count(array), 54);
    assert_int_equal(array_size(array), 216);
    assert_null(checkpoint_array(loaded, "model"));
    assert_null(checkpoint_text(loaded, "model/fc1.weight"));
    assert_string_equal(checkpoint_text(loaded, "progress/note"), "");
    checkpoint_destroy(saved);
    checkpoint_destroy(loaded);
}

static void a_checkpoint_without_entries_comes_back(void **state)
{
    const struct place *place = *state;
    const struct checkpoint empty = {.world_size = 1};
    struct checkpoint *loaded = NULL;
    save(&empty, place->path);
    assert_ok(checkpoint_load(place->path, &loaded));
    assert_true(same_checkpoint(&empty, loaded));
    checkpoint_destroy(loaded);
}

/* More arrays than one node of HDF5's trees holds, and a text beyond the 64 KiB of an attribute. */
static void many_arrays_and_a_long_text_come_back(void **state)
{
    enum { ARRAYS = 700, LETTERS = 300000 };
    const struct place *place = *state;
    static struct array arrays[ARRAYS];
    static char names[ARRAYS][48];
    static float numbers[ARRAYS];
    static char letters[LETTERS + 1];
    for (int i = 0; i < ARRAYS; i++) {
        snprintf(names[i], sizeof names[i], "model/layer%d.weight", i);
        numbers[i] = (float)i;
        arrays[i] = (struct array){.path = names[i], .rank = 1, .dim = {1}, .data = &numbers[i]};
    }
    memset(letters, 'x', LETTERS);
    struct text_entry text = {.path = "vocabulary", .text = letters};
    const struct checkpoint saved = {
        .world_size = 1, .arrays = arrays, .array_count = ARRAYS, .texts = &text, .text_count = 1};
    struct checkpoint *loaded = NULL;
    save(&saved, place->path);
    assert_ok(checkpoint_load(place->path, &loaded));
    assert_true(same_checkpoint(&saved, loaded));
    checkpoint_destroy(loaded);
}

static void the_same_content_gives_the_same_bytes(void **state)
{
    (void)state;
    struct checkpoint *checkpoint = NULL, *other = NULL;
    struct image first = {0}, second = {0};
    assert_ok(sample_checkpoint(7, 5000, &checkpoint));
    assert_ok(sample_checkpoint(8, 9000, &other));
    assert_ok(image_write(&first, checkpoint));
    assert_ok(image_write(&second, other)); /* the memory that the next image gets is not clean */
    assert_ok(image_write(&second, checkpoint));
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.data, second.data, first.length);
    image_release(&first);
    image_release(&second);
    checkpoint_destroy(checkpoint);
    checkpoint_destroy(other);
}

static void a_reserved_image_has_the_length_of_the_file(void **state)
{
    (void)state;
    struct checkpoint *checkpoint = NULL;
    struct image reserved = {0};
    assert_ok(sample_checkpoint(7, 100000, &checkpoint));
    assert_ok(image_reserve(&reserved, checkpoint));
    size_t length = reserved.length, capacity = reserved.capacity;
    const uint8_t *data = reserved.data;
    assert_ok(image_write(&reserved, checkpoint));
    assert_int_equal(reserved.length, length);
    assert_int_equal(reserved.capacity, capacity);
    assert_ptr_equal(reserved.data, data);
    image_release(&reserved);
    checkpoint_destroy(checkpoint);
}

/* A time would make the same content differ from save to save. */
static bool has_no_time(hid_t object)
{
#if H5_VERSION_GE(1, 12, 0)
    H5O_info2_t info;
    return H5Oget_info3(object, &info, H5O_INFO_TIME) >= 0 && info.ctime == 0 && info.mtime == 0;
#else
    H5O_info_t info;
    return H5Oget_info2(object, &info, H5O_INFO_TIME) >= 0 && info.ctime == 0 && info.mtime == 0;
#endif
}

/* Other programs open the file as it lies on the disk, with the block ahead of the HDF5 data. */
static void plain_hdf5_opens_the_file(void **state)
{
    const struct place *place = *state;
    struct checkpoint *saved = NULL;
    assert_ok(sample_checkpoint(3, 10, &saved));
    save(saved, place->path);
    hid_t file = H5Fopen(place->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(file > 0);
    hid_t creation = H5Fget_create_plist(file);
    hsize_t ahead = 0;
    assert_true(H5Pget_userblock(creation, &ahead) >= 0);
    assert_int_equal(ahead, SEAL_SIZE);
    assert_true(H5Pclose(creation) >= 0);
    hid_t dataset = H5Dopen2(file, "/model/fc1.weight", H5P_DEFAULT);
    assert_true(has_no_time(dataset));
    float numbers[35] = {0};
    assert_true(H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    assert_memory_equal(numbers, checkpoint_array(saved, "model/fc1.weight")->data, sizeof numbers);
    assert_true(H5Dclose(dataset) >= 0);
    assert_true(H5Fclose(file) >= 0);
    checkpoint_destroy(saved);
}

static void entries_that_cannot_be_stored_are_refused(void **state)
{
    (void)state;
    float number = 1;
    static const struct array wrong[] = {
        {.path = ""},
        {.path = "/a"},
        {.path = "a/"},
        {.path = "a//b"},
        {.path = "a/./b"},
        {.path = "."},
        {.path = "a", .rank = 6},
        {.path = "a", .rank = -1},
        {.path = "a", .rank = 1, .dim = {-1}},
        {.path = "a", .rank = 3, .dim = {INT64_MAX / 2, INT64_MAX / 2, 16}},
    };
    struct image image = {0};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct array array = wrong[i];
        array.data = &number;
        const struct checkpoint checkpoint = {.world_size = 1, .arrays = &array, .array_count = 1};
        assert_int_equal(image_write(&image, &checkpoint), STATUS_BAD_INPUT);
        assert_int_equal(image_reserve(&image, &checkpoint), STATUS_BAD_INPUT);
    }
    const struct checkpoint numbers[] = {
        {.step = -1, .world_size = 1}, {.epoch = -1, .world_size = 1}, {.world_size = 0}};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_int_equal(image_write(&image, &numbers[i]), STATUS_BAD_INPUT);
    }
    struct array without_data = {.path = "a", .rank = 1, .dim = {1}};
    const struct checkpoint nothing = {.world_size = 1, .arrays = &without_data, .array_count = 1};
    assert_int_equal(image_write(&image, &nothing), STATUS_BAD_INPUT);
    assert_ok(image_reserve(&image, &nothing));
    /* Two entries of one name, and an array that would have to be a group as well. */
    static const char *const twice[][2] = {{"a", "a"}, {"a", "a/b"}, {"a/b", "a"}};
    for (size_t i = 0; i < COUNT_OF(twice); i++) {
        struct array arrays[] = {{.path = (char *)(uintptr_t)twice[i][0], .data = &number},
                                 {.path = (char *)(uintptr_t)twice[i][1], .data = &number}};
        const struct checkpoint checkpoint = {.world_size = 1, .arrays = arrays, .array_count = 2};
        assert_int_equal(image_write(&image, &checkpoint), STATUS_FAILED);
        assert_non_null(strstr(status_message(), arrays[1].path));
    }
    image_release(&image);
}

static void what_is_no_checkpoint_is_refused(void **state)
{
    const struct place *place = *state;
    assert_refused(place->path, STATUS_NOT_FOUND, "no such file");
    assert_refused(place->folder, STATUS_BAD_INPUT, "no regular file");
    assert_ok(write_test_file(place->path, NULL, 0));
    assert_refused(place->path, STATUS_BAD_INPUT, "too short");
    char zeros[2048] = {0};
    assert_ok(write_test_file(place->path, zeros, sizeof zeros));
    assert_refused(place->path, STATUS_BAD_INPUT, "no checkpoint of lemnos");
    assert_ok(seal_write((uint8_t *)zeros, sizeof zeros));
    assert_ok(write_test_file(place->path, zeros, sizeof zeros));
    assert_refused(place->path, STATUS_CORRUPT, "whole, but not a checkpoint");
    assert_int_equal(remove(place->path), 0);
    assert_int_equal(mkfifo(place->path, 0600), 0);
    assert_refused(place->path, STATUS_BAD_INPUT, "no regular file");
    assert_int_equal(remove(place->path), 0);
    hid_t file = H5Fcreate(place->path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Fclose(file) >= 0);
    assert_refused(place->path, STATUS_BAD_INPUT, "not one that lemnos wrote");
}

static void a_file_of_another_length_is_named_as_such(void **state)
{
    const struct place *place = *state;
    struct checkpoint *saved = NULL;
    assert_ok(sample_checkpoint(3, 10, &saved));
    save(saved, place->path);
    struct stat about;
    assert_int_equal(stat(place->path, &about), 0);
    const off_t lengths[] = {about.st_size - 1, about.st_size + 1};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char reason[80];
        snprintf(reason, sizeof reason, "has %lld bytes and should have %lld", (long long)lengths[i],
                 (long long)about.st_size);
        assert_int_equal(truncate(place->path, lengths[i]), 0);
        assert_refused(place->path, STATUS_CORRUPT, reason);
    }
    checkpoint_destroy(saved);
}

/*
 * The expected value is Python's: hashlib.sha256(b"model/a\0" + struct.pack("<qqq2f", 0, 1, 2, 1, 2) +
 * b"model/b\0" + struct.pack("<qqd", 1, 0, 3)).hexdigest()
 */
static void the_model_digest_is_the_documented_one(void **state)
{
    (void)state;
    static const char expected[] = "00e532496f8bf23b408314503eec2ded5163628cdcfcc1fa719afe620d2bf193";
    float a[] = {1, 2}, other[] = {5};
    double b = 3;
    struct array arrays[] = {
        {.path = "optimizer/moment1/a", .rank = 1, .dim = {1}, .data = other},
        {.path = "model/b", .type = ARRAY_FLOAT64, .data = &b},
        {.path = "model/a", .rank = 1, .dim = {2}, .data = a},
    };
    struct checkpoint checkpoint = {.arrays = arrays, .array_count = 3};
    char text[DIGEST_TEXT_SIZE];
    assert_ok(checkpoint_model_digest(&checkpoint, text));
    assert_string_equal(text, expected);
    other[0] = 6;
    checkpoint.step = 9;
    assert_ok(checkpoint_model_digest(&checkpoint, text));
    assert_string_equal(text, expected);
    struct array *model = &arrays[2];
    a[1] = 3;
    assert_ok(checkpoint_model_digest(&checkpoint, text));
    assert_string_not_equal(text, expected);
    a[1] = 2;
    model->rank = 2, model->dim[1] = 1;
    assert_ok(checkpoint_model_digest(&checkpoint, text));
    assert_string_not_equal(text, expected);
    checkpoint.array_count = 0;
    assert_ok(checkpoint_model_digest(&checkpoint, text));
    assert_string_not_equal(text, expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(every_kind_of_content_comes_back),
        WITH_PLACE(a_checkpoint_without_entries_comes_back),
        WITH_PLACE(many_arrays_and_a_long_text_come_back),
        cmocka_unit_test(the_same_content_gives_the_same_bytes),
        cmocka_unit_test(a_reserved_image_has_the_length_of_the_file),
        WITH_PLACE(plain_hdf5_opens_the_file),
        cmocka_unit_test(entries_that_cannot_be_stored_are_refused),
        WITH_PLACE(what_is_no_checkpoint_is_refused),
        WITH_PLACE(a_file_of_another_length_is_named_as_such),
        cmocka_unit_test(the_model_digest_is_the_documented_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
