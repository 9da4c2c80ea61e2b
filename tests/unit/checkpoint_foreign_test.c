/* Files that are whole, as their seal says, but hold what this program does not write: all are refused. */
#include "tests/unit/checkpoint_place.h"

#include <hdf5.h>
#include <stdio.h>

#include "checkpoints/seal.h"

/* Reads a file, lets `edit` change it, and seals it again: whole, but with other content. */
static void edit_and_seal(const char *path, void (*edit)(hid_t file))
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file > 0);
    edit(file);
    assert_true(H5Fclose(file) >= 0);
    FILE *stream = fopen(path, "r+b");
    assert_non_null(stream);
    static uint8_t bytes[1 << 20];
    size_t length = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    assert_in_range(length, SEAL_SIZE + 1, sizeof bytes - 1);
    assert_ok(seal_write(bytes, length));
    assert_ok(write_test_file(path, bytes, length));
}

static void add_dataset(hid_t file, const char *name, hid_t type, int rank, hsize_t dimension, hid_t creation)
{
    hsize_t dimensions[H5S_MAX_RANK];
    for (int i = 0; i < rank; i++) {
        dimensions[i] = dimension;
    }
    hid_t space = H5Screate_simple(rank, dimensions, NULL);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(dataset > 0);
    assert_true(H5Dclose(dataset) >= 0);
    assert_true(H5Sclose(space) >= 0);
}

static void change_nothing(hid_t file)
{
    (void)file;
}

static void remove_step(hid_t file)
{
    assert_true(H5Adelete(file, "step") >= 0);
}

static void write_number(hid_t file, const char *name, int64_t value)
{
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0);
    assert_true(H5Aclose(attribute) >= 0);
}

static void negative_step(hid_t file)
{
    write_number(file, "step", -5);
}

static void later_version(hid_t file)
{
    write_number(file, "version", 2);
}

static void other_format(hid_t file)
{
    hid_t attribute = H5Aopen(file, "format", H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute);
    assert_true(H5Awrite(attribute, type, "lemons") >= 0);
    assert_true(H5Tclose(type) >= 0);
    assert_true(H5Aclose(attribute) >= 0);
}

static void step_as_table(hid_t file)
{
    remove_step(file);
    hsize_t dimension = 4000;
    hid_t space = H5Screate_simple(1, &dimension, NULL);
    hid_t attribute = H5Acreate2(file, "step", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Aclose(attribute) >= 0);
    assert_true(H5Sclose(space) >= 0);
}

static void integers_of_32_bits(hid_t file)
{
    add_dataset(file, "foreign", H5T_STD_I32LE, 1, 4, H5P_DEFAULT);
}

static void big_endian(hid_t file)
{
    add_dataset(file, "foreign", H5T_IEEE_F32BE, 1, 4, H5P_DEFAULT);
}

static void six_dimensions(hid_t file)
{
    add_dataset(file, "foreign", H5T_IEEE_F32LE, 6, 2, H5P_DEFAULT);
}

static void never_written(hid_t file)
{
    add_dataset(file, "foreign", H5T_IEEE_F32LE, 1, 100, H5P_DEFAULT);
}

static void larger_than_the_file(hid_t file)
{
    add_dataset(file, "foreign", H5T_IEEE_F32LE, 2, 1 << 16, H5P_DEFAULT);
}

static void beyond_any_memory(hid_t file)
{
    hsize_t chunk[5] = {2, 2, 2, 2, 2};
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(creation, 5, chunk) >= 0);
    add_dataset(file, "foreign", H5T_IEEE_F64LE, 5, (hsize_t)1 << 12, creation);
    assert_true(H5Pclose(creation) >= 0);
}

static void data_in_another_file(hid_t file)
{
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(creation, "/etc/passwd", 0, 400) >= 0);
    add_dataset(file, "foreign", H5T_IEEE_F32LE, 1, 100, creation);
    assert_true(H5Pclose(creation) >= 0);
}

static void many_texts(hid_t file)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    assert_true(H5Tset_size(type, 10) >= 0);
    add_dataset(file, "foreign", type, 1, 3, H5P_DEFAULT);
    assert_true(H5Tclose(type) >= 0);
}

static void text_elsewhere(hid_t file)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    assert_true(H5Tset_size(type, H5T_VARIABLE) >= 0);
    add_dataset(file, "foreign", type, 1, 1, H5P_DEFAULT);
    assert_true(H5Tclose(type) >= 0);
}

static void link_to_a_name(hid_t file)
{
    assert_true(H5Lcreate_soft("/model", file, "foreign", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void link_to_a_file(hid_t file)
{
    assert_true(H5Lcreate_external("/tmp/other.h5", "/", file, "foreign", H5P_DEFAULT, H5P_DEFAULT) >= 0);
}

static void a_type_with_a_name(hid_t file)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    assert_true(H5Tcommit2(file, "foreign", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Tclose(type) >= 0);
}

/* A thousand names for one array: together they would take more memory than the file has bytes. */
static void one_array_many_times(hid_t file)
{
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "copy%d", i);
        assert_true(H5Lcreate_hard(file, "/model/extra", file, name, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    }
}

static void whole_files_with_foreign_content_are_refused(void **state)
{
    static const struct {
        void (*edit)(hid_t file);
        const char *reason;
    } cases[] = {
        {remove_step, "step"},
        {negative_step, "out of bounds"},
        {later_version, "'version'"},
        {other_format, "'format'"},
        {step_as_table, "no attribute of the kind"},
        {integers_of_32_bits, "'foreign' has a type"},
        {big_endian, "'foreign' has a type"},
        {six_dimensions, "more dimensions"},
        {never_written, "does not hold the data"},
        {larger_than_the_file, "more bytes than the file"},
        {beyond_any_memory, "not stored in one piece"},
        {data_in_another_file, "not stored in one piece"},
        {many_texts, "no single text"},
        {text_elsewhere, "no single text"},
        {link_to_a_name, "a link to elsewhere"},
        {link_to_a_file, "a link to elsewhere"},
        {a_type_with_a_name, "neither a group nor a dataset"},
        {one_array_many_times, "more bytes than the file"},
    };
    const struct place *place = *state;
    struct checkpoint *sample = NULL, *loaded = NULL;
    assert_ok(sample_checkpoint(3, 5000, &sample));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        save(sample, place->path);
        edit_and_seal(place->path, cases[i].edit);
        assert_refused(place->path, STATUS_CORRUPT, cases[i].reason);
    }
    save(sample, place->path);
    edit_and_seal(place->path, change_nothing);
    assert_ok(checkpoint_load(place->path, &loaded));
    assert_true(same_checkpoint(sample, loaded));
    checkpoint_destroy(sample);
    checkpoint_destroy(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_PLACE(whole_files_with_foreign_content_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
