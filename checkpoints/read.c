#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoints/h5.h"
#include "checkpoints/image.h"

/* A checkpoint in the making. */
struct reader {
    struct checkpoint *checkpoint;
    uint64_t file_length;
    uint64_t taken; /* bytes of all arrays and texts so far: never more than the file has */
    enum status status;
};

/* HDF5 may have the image itself instead of copies: it is opened for reading alone. */
static void *lend(size_t size, H5FD_file_image_op_t operation, void *image)
{
    (void)operation;
    return size <= ((struct image *)image)->length ? ((struct image *)image)->data : NULL;
}

static void *lend_copy(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *image)
{
    (void)from;
    (void)size;
    (void)operation;
    (void)image;
    return to;
}

static void *refuse_resize(void *pointer, size_t size, H5FD_file_image_op_t operation, void *image)
{
    (void)pointer;
    (void)size;
    (void)operation;
    (void)image;
    return NULL;
}

/* HDF5 failed on a file that is whole: then the file is not what this program writes. */
static enum status h5_foreign(int64_t result, const char *what)
{
    return h5_try(result, "the file is whole, but not a checkpoint: %s", what) == STATUS_OK ? STATUS_OK
                                                                                            : STATUS_CORRUPT;
}

static enum status foreign(const char *path, const char *what)
{
    return fail(STATUS_CORRUPT, "the file is whole, but not a checkpoint: '%s' %s", path, what);
}

/* Books `size` bytes of content: a file cannot hold more than its length, whatever its dimensions say. */
static enum status take(struct reader *reader, const char *path, uint64_t size)
{
    if (size > reader->file_length - reader->taken) {
        return foreign(path, "claims more bytes than the file has");
    }
    reader->taken += size;
    return STATUS_OK;
}

static enum status read_attribute(hid_t file, const char *name, H5T_class_t class, hid_t type, void *value)
{
    enum status status = STATUS_OK;
    hid_t attribute = 0, space = 0, stored = 0;
    TRY_OUT(h5_foreign(attribute = H5Aopen(file, name, H5P_DEFAULT), name));
    TRY_OUT(h5_foreign(space = H5Aget_space(attribute), name));
    TRY_OUT(h5_foreign(stored = H5Aget_type(attribute), name));
    if (H5Sget_simple_extent_npoints(space) != 1 || H5Tget_class(stored) != class ||
        H5Tget_size(stored) > sizeof(uint64_t) || H5Tis_variable_str(stored) > 0) {
        status = foreign(name, "is no attribute of the kind that lemnos writes");
        goto out;
    }
    TRY_OUT(h5_foreign(H5Aread(attribute, type, value), name));
out:
    if (stored > 0) {
        (void)H5Tclose(stored);
    }
    if (space > 0) {
        (void)H5Sclose(space);
    }
    if (attribute > 0) {
        (void)H5Aclose(attribute);
    }
    return status;
}

static enum status read_attributes(hid_t file, struct checkpoint *checkpoint)
{
    enum status status = STATUS_OK;
    char format[sizeof(uint64_t)] = "";
    int32_t version = 0, world_size = 0;
    hid_t text = 0;
    TRY_OUT(h5_foreign(text = H5Tcopy(H5T_C_S1), "format"));
    TRY_OUT(h5_foreign(H5Tset_size(text, sizeof format), "format"));
    TRY_OUT(read_attribute(file, "format", H5T_STRING, text, format));
    TRY_OUT(read_attribute(file, "version", H5T_INTEGER, H5T_NATIVE_INT32, &version));
    TRY_OUT(read_attribute(file, "step", H5T_INTEGER, H5T_NATIVE_INT64, &checkpoint->step));
    TRY_OUT(read_attribute(file, "epoch", H5T_INTEGER, H5T_NATIVE_INT64, &checkpoint->epoch));
    TRY_OUT(read_attribute(file, "seed", H5T_INTEGER, H5T_NATIVE_UINT64, &checkpoint->seed));
    TRY_OUT(read_attribute(file, "world_size", H5T_INTEGER, H5T_NATIVE_INT32, &world_size));
    checkpoint->world_size = world_size;
    if (strncmp(format, "lemnos", sizeof format) != 0 || version != CHECKPOINT_VERSION) {
        status = foreign("format", "and 'version' are not those of lemnos");
    } else if (checkpoint->step < 0 || checkpoint->epoch < 0 || world_size < 1) {
        status = foreign("step", "'epoch' or 'world_size' is out of bounds");
    }
out:
    if (text > 0) {
        (void)H5Tclose(text);
    }
    return status;
}

static enum status read_text(struct reader *reader, hid_t dataset, hid_t type, hid_t space, const char *path)
{
    struct checkpoint *checkpoint = reader->checkpoint;
    if (H5Sget_simple_extent_type(space) != H5S_SCALAR || H5Tis_variable_str(type) != 0) {
        return foreign(path, "is no single text");
    }
    size_t size = H5Tget_size(type);
    TRY(take(reader, path, size));
    TRY(memory_resize(checkpoint->text_count + 1, sizeof *checkpoint->texts, &checkpoint->texts));
    struct text_entry *entry = &checkpoint->texts[checkpoint->text_count++];
    *entry = (struct text_entry){0};
    TRY(memory_copy_string(path, &entry->path));
    TRY(memory_allocate(size + 1, 1, &entry->text));
    return h5_foreign(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, entry->text), path);
}

static enum status array_type_of(hid_t type, const char *path, enum array_type *result)
{
    if (H5Tequal(type, H5T_IEEE_F32LE) > 0) {
        *result = ARRAY_FLOAT32;
    } else if (H5Tequal(type, H5T_IEEE_F64LE) > 0) {
        *result = ARRAY_FLOAT64;
    } else if (H5Tequal(type, H5T_STD_I64LE) > 0) {
        *result = ARRAY_INT64;
    } else {
        return foreign(path, "has a type that lemnos does not write");
    }
    return STATUS_OK;
}

/* The shape of `space` into `array`, whose type is set; yields the bytes that it takes. */
static enum status read_shape(hid_t space, const char *path, struct array *array, uint64_t *size)
{
    hsize_t dimensions[H5S_MAX_RANK] = {0};
    H5S_class_t class = H5Sget_simple_extent_type(space);
    int rank = H5Sget_simple_extent_ndims(space);
    if ((class != H5S_SCALAR && class != H5S_SIMPLE) || rank < 0 || rank > ARRAY_MAX_RANK) {
        return foreign(path, "has more dimensions than lemnos writes, or none at all");
    }
    TRY(h5_foreign(H5Sget_simple_extent_dims(space, dimensions, NULL), path));
    array->rank = rank;
    *size = array->type == ARRAY_FLOAT32 ? 4 : 8;
    for (int i = 0; i < rank; i++) {
        if (dimensions[i] > INT64_MAX || __builtin_mul_overflow(*size, dimensions[i], size)) {
            return foreign(path, "has dimensions beyond any file");
        }
        array->dim[i] = (int64_t)dimensions[i];
    }
    return STATUS_OK;
}

static enum status read_array(struct reader *reader, hid_t dataset, hid_t type, hid_t space, const char *path)
{
    struct checkpoint *checkpoint = reader->checkpoint;
    struct array array = {0};
    uint64_t size = 0;
    TRY(array_type_of(type, path, &array.type));
    TRY(read_shape(space, path, &array, &size));
    TRY(take(reader, path, size));
    if (size > 0 && H5Dget_storage_size(dataset) != size) {
        return foreign(path, "does not hold the data that its shape claims");
    }
    TRY(memory_resize(checkpoint->array_count + 1, sizeof *checkpoint->arrays, &checkpoint->arrays));
    struct array *entry = &checkpoint->arrays[checkpoint->array_count++];
    *entry = array;
    TRY(memory_copy_string(path, &entry->path));
    if (size == 0) {
        return STATUS_OK;
    }
    TRY(memory_allocate(size, 1, &entry->data));
    /* The type in memory is the type in the file: HDF5 copies, and converts nothing. */
    return h5_foreign(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, entry->data), path);
}

static enum status read_dataset(struct reader *reader, hid_t dataset, const char *path)
{
    enum status status = STATUS_OK;
    hid_t type = 0, space = 0, creation = 0;
    TRY_OUT(h5_foreign(creation = H5Dget_create_plist(dataset), path));
    if (H5Pget_layout(creation) != H5D_CONTIGUOUS || H5Pget_external_count(creation) != 0) {
        status = foreign(path, "is not stored in one piece");
        goto out;
    }
    TRY_OUT(h5_foreign(type = H5Dget_type(dataset), path));
    TRY_OUT(h5_foreign(space = H5Dget_space(dataset), path));
    TRY_OUT(H5Tget_class(type) == H5T_STRING ? read_text(reader, dataset, type, space, path)
                                             : read_array(reader, dataset, type, space, path));
out:
    if (space > 0) {
        (void)H5Sclose(space);
    }
    if (type > 0) {
        (void)H5Tclose(type);
    }
    if (creation > 0) {
        (void)H5Pclose(creation);
    }
    return status;
}

static enum status read_link(struct reader *reader, hid_t group, const char *path, H5L_type_t link)
{
    if (link != H5L_TYPE_HARD) {
        return foreign(path, "is a link to elsewhere");
    }
    enum status status = STATUS_OK;
    hid_t object = 0;
    TRY_OUT(h5_foreign(object = H5Oopen(group, path, H5P_DEFAULT), path));
    H5I_type_t kind = H5Iget_type(object);
    if (kind == H5I_DATASET) {
        TRY_OUT(read_dataset(reader, object, path));
    } else if (kind != H5I_GROUP) {
        status = foreign(path, "is neither a group nor a dataset");
    }
out:
    if (object > 0) {
        (void)H5Oclose(object);
    }
    return status;
}

static herr_t visit(hid_t group, const char *path, const H5L_info_t *link, void *context)
{
    struct reader *reader = context;
    reader->status = read_link(reader, group, path, link->type);
    return reader->status == STATUS_OK ? 0 : -1;
}

static enum status open_image(const struct image *image, hid_t access, hid_t *file)
{
    const char *what = "opening it";
    H5FD_file_image_callbacks_t callbacks = h5_kept_image((void *)image);
    callbacks.image_malloc = lend;
    callbacks.image_memcpy = lend_copy;
    callbacks.image_realloc = refuse_resize;
    char name[H5_NAME_SIZE];
    h5_memory_name(image, name);
    TRY(h5_foreign(H5Pset_fapl_core(access, 1, 0), what));
    TRY(h5_foreign(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), what));
    TRY(h5_foreign(H5Pset_file_image_callbacks(access, &callbacks), what));
    TRY(h5_foreign(H5Pset_file_image(access, image->data, image->length), what));
    return h5_foreign(*file = H5Fopen(name, H5F_ACC_RDONLY, access), what);
}

/* Opens the image and reads its attributes, and its content where `with_content` is set. */
static enum status read_image(const struct image *image, struct reader *reader, bool with_content)
{
    h5_prepare();
    enum status status = STATUS_OK;
    hid_t access = 0, file = 0;
    TRY_OUT(h5_try(access = H5Pcreate(H5P_FILE_ACCESS), "preparing HDF5"));
    TRY_OUT(open_image(image, access, &file));
    TRY_OUT(read_attributes(file, reader->checkpoint));
    if (with_content) {
        herr_t visited = H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit, reader);
        TRY_OUT(reader->status);
        TRY_OUT(h5_foreign(visited, "its groups cannot be listed"));
    }
out:
    if (file > 0) {
        (void)H5Fclose(file);
    }
    if (access > 0) {
        (void)H5Pclose(access);
    }
    return status;
}

enum status image_read(const struct image *image, struct checkpoint **checkpoint)
{
    struct reader reader = {.file_length = image->length};
    *checkpoint = NULL;
    TRY(memory_allocate(1, sizeof *reader.checkpoint, &reader.checkpoint));
    enum status status = read_image(image, &reader, true);
    if (status != STATUS_OK) {
        checkpoint_destroy(reader.checkpoint);
        return status;
    }
    *checkpoint = reader.checkpoint;
    return STATUS_OK;
}

enum status image_check(const struct image *image)
{
    struct checkpoint attributes = {0};
    struct reader reader = {.checkpoint = &attributes, .file_length = image->length};
    return read_image(image, &reader, false);
}
