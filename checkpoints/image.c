#include "checkpoints/image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checkpoints/h5.h"
#include "checkpoints/seal.h"

enum { GROW_STEP = 64 * 1024, RESERVE_ROOM = 1024 * 1024 };

/* What HDF5 gets to see of an image while it builds a file there. */
struct builder {
    struct image *image;
    size_t refused; /* bytes that the system had no memory for, 0 where it had */
};

static void *builder_resize(void *pointer, size_t size, H5FD_file_image_op_t operation, void *context)
{
    (void)pointer; /* it is image->data, or NULL the first time */
    (void)operation;
    struct builder *builder = context;
    struct image *image = builder->image;
    if (size > image->capacity) {
        size_t capacity = (size_t)round_up(size, GROW_STEP);
        if (memory_resize(capacity, 1, &image->data) != STATUS_OK) {
            builder->refused = size;
            return NULL;
        }
        image->capacity = capacity;
    }
    return image->data;
}

static void *builder_allocate(size_t size, H5FD_file_image_op_t operation, void *context)
{
    return builder_resize(NULL, size, operation, context);
}

static void *builder_copy(void *to, const void *from, size_t size, H5FD_file_image_op_t operation, void *context)
{
    (void)operation;
    (void)context;
    return memmove(to, from, size);
}

/* The three property lists of a file under construction; zero where there is none. */
struct properties {
    hid_t access;
    hid_t creation;
    hid_t link;
    hid_t dataset;
};

static void properties_release(struct properties *properties)
{
    const hid_t all[] = {properties->access, properties->creation, properties->link, properties->dataset};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        if (all[i] > 0) {
            (void)H5Pclose(all[i]);
        }
    }
}

static enum status properties_init(struct properties *properties, struct builder *builder)
{
    const char *what = "preparing HDF5";
    H5FD_file_image_callbacks_t callbacks = h5_kept_image(builder); /* the memory is the result */
    callbacks.image_malloc = builder_allocate;
    callbacks.image_memcpy = builder_copy;
    callbacks.image_realloc = builder_resize;
    TRY(h5_try(properties->access = H5Pcreate(H5P_FILE_ACCESS), "%s", what));
    /* Growth by single bytes, which builder_resize() makes cheap: so the file ends exactly where its content does. */
    TRY(h5_try(H5Pset_fapl_core(properties->access, 1, 0), "%s", what));
    TRY(h5_try(H5Pset_file_image_callbacks(properties->access, &callbacks), "%s", what));
    /* The oldest formats: every HDF5 reads them, and the image of a newer one was unreadable in HDF5 1.10.8. */
    TRY(h5_try(H5Pset_libver_bounds(properties->access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18), "%s", what));
    TRY(h5_try(H5Pset_fclose_degree(properties->access, H5F_CLOSE_STRONG), "%s", what));

    TRY(h5_try(properties->creation = H5Pcreate(H5P_FILE_CREATE), "%s", what));
    TRY(h5_try(H5Pset_userblock(properties->creation, SEAL_SIZE), "%s", what));

    TRY(h5_try(properties->link = H5Pcreate(H5P_LINK_CREATE), "%s", what));
    TRY(h5_try(H5Pset_create_intermediate_group(properties->link, 1), "%s", what));
    TRY(h5_try(H5Pset_char_encoding(properties->link, H5T_CSET_UTF8), "%s", what));

    /* Space is given out when a dataset is made, so that a file has its final size before any data is written. */
    TRY(h5_try(properties->dataset = H5Pcreate(H5P_DATASET_CREATE), "%s", what));
    TRY(h5_try(H5Pset_layout(properties->dataset, H5D_CONTIGUOUS), "%s", what));
    TRY(h5_try(H5Pset_alloc_time(properties->dataset, H5D_ALLOC_TIME_EARLY), "%s", what));
    TRY(h5_try(H5Pset_fill_time(properties->dataset, H5D_FILL_TIME_NEVER), "%s", what));
    return h5_try(H5Pset_obj_track_times(properties->dataset, false), "%s", what);
}

static enum status write_attribute(hid_t file, const char *name, hid_t file_type, hid_t memory_type, const void *value)
{
    enum status status = STATUS_OK;
    hid_t space = 0, attribute = 0;
    TRY_OUT(h5_try(space = H5Screate(H5S_SCALAR), "making attribute '%s'", name));
    TRY_OUT(h5_try(attribute = H5Acreate2(file, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT),
                   "making attribute '%s'", name));
    TRY_OUT(h5_try(H5Awrite(attribute, memory_type, value), "writing attribute '%s'", name));
out:
    if (attribute > 0) {
        (void)H5Aclose(attribute);
    }
    if (space > 0) {
        (void)H5Sclose(space);
    }
    return status;
}

static enum status write_attributes(hid_t file, const struct checkpoint *checkpoint)
{
    static const char format[] = "lemnos";
    enum status status = STATUS_OK;
    const int32_t version = CHECKPOINT_VERSION;
    const int32_t world_size = checkpoint->world_size;
    hid_t text = 0;
    TRY_OUT(h5_try(text = H5Tcopy(H5T_C_S1), "making attribute 'format'"));
    TRY_OUT(h5_try(H5Tset_size(text, sizeof format - 1), "making attribute 'format'"));
    TRY_OUT(h5_try(H5Tset_strpad(text, H5T_STR_NULLPAD), "making attribute 'format'"));
    TRY_OUT(write_attribute(file, "format", text, text, format));
    TRY_OUT(write_attribute(file, "version", H5T_STD_I32LE, H5T_NATIVE_INT32, &version));
    TRY_OUT(write_attribute(file, "step", H5T_STD_I64LE, H5T_NATIVE_INT64, &checkpoint->step));
    TRY_OUT(write_attribute(file, "epoch", H5T_STD_I64LE, H5T_NATIVE_INT64, &checkpoint->epoch));
    TRY_OUT(write_attribute(file, "seed", H5T_STD_U64LE, H5T_NATIVE_UINT64, &checkpoint->seed));
    TRY_OUT(write_attribute(file, "world_size", H5T_STD_I32LE, H5T_NATIVE_INT32, &world_size));
out:
    if (text > 0) {
        (void)H5Tclose(text);
    }
    return status;
}

/* One dataset; `data` may be NULL, which leaves the space that it takes unwritten. */
static enum status write_dataset(hid_t file, const struct properties *properties, const char *path, hid_t file_type,
                                 hid_t memory_type, hid_t space, const void *data)
{
    enum status status = STATUS_OK;
    hid_t dataset = 0;
    TRY_OUT(
        h5_try(dataset = H5Dcreate2(file, path, file_type, space, properties->link, properties->dataset, H5P_DEFAULT),
               "making '%s'", path));
    if (data != NULL) {
        TRY_OUT(h5_try(H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), "writing '%s'", path));
    }
out:
    if (dataset > 0) {
        enum status closed = h5_try(H5Dclose(dataset), "closing '%s'", path);
        status = status != STATUS_OK ? status : closed;
    }
    return status;
}

static enum status write_array(hid_t file, const struct properties *properties, const struct array *array,
                               bool with_data)
{
    const hid_t file_types[] = {
        [ARRAY_FLOAT32] = H5T_IEEE_F32LE, [ARRAY_FLOAT64] = H5T_IEEE_F64LE, [ARRAY_INT64] = H5T_STD_I64LE};
    const hid_t memory_types[] = {
        [ARRAY_FLOAT32] = H5T_NATIVE_FLOAT, [ARRAY_FLOAT64] = H5T_NATIVE_DOUBLE, [ARRAY_INT64] = H5T_NATIVE_INT64};
    enum status status = STATUS_OK;
    hsize_t dimensions[ARRAY_MAX_RANK] = {0};
    for (int i = 0; i < array->rank; i++) {
        dimensions[i] = (hsize_t)array->dim[i];
    }
    hid_t space = 0;
    TRY_OUT(h5_try(space = array->rank > 0 ? H5Screate_simple(array->rank, dimensions, NULL) : H5Screate(H5S_SCALAR),
                   "making '%s'", array->path));
    TRY_OUT(write_dataset(file, properties, array->path, file_types[array->type], memory_types[array->type], space,
                          with_data ? array->data : NULL));
out:
    if (space > 0) {
        (void)H5Sclose(space);
    }
    return status;
}

/* A text is one string of fixed length, padded with NUL: it has no limit of 64 KiB and needs no heap of HDF5. */
static enum status write_text(hid_t file, const struct properties *properties, const struct text_entry *entry)
{
    enum status status = STATUS_OK;
    size_t length = strlen(entry->text);
    hid_t type = 0, space = 0;
    TRY_OUT(h5_try(type = H5Tcopy(H5T_C_S1), "making '%s'", entry->path));
    TRY_OUT(h5_try(H5Tset_size(type, length > 0 ? length : 1), "making '%s'", entry->path));
    TRY_OUT(h5_try(H5Tset_strpad(type, H5T_STR_NULLPAD), "making '%s'", entry->path));
    TRY_OUT(h5_try(H5Tset_cset(type, H5T_CSET_UTF8), "making '%s'", entry->path));
    TRY_OUT(h5_try(space = H5Screate(H5S_SCALAR), "making '%s'", entry->path));
    TRY_OUT(write_dataset(file, properties, entry->path, type, type, space, entry->text));
out:
    if (space > 0) {
        (void)H5Sclose(space);
    }
    if (type > 0) {
        (void)H5Tclose(type);
    }
    return status;
}

static enum status write_content(hid_t file, const struct properties *properties, const struct checkpoint *checkpoint,
                                 bool with_data)
{
    TRY(write_attributes(file, checkpoint));
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        TRY(write_text(file, properties, &checkpoint->texts[i]));
    }
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        TRY(write_array(file, properties, &checkpoint->arrays[i], with_data));
    }
    return STATUS_OK;
}

/* Names that HDF5 would understand in its own way: "." is a group itself, and empty parts vanish. */
static enum status check_path(const char *path)
{
    const char *part = path;
    for (;;) {
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 1 && part[0] == '.')) {
            return fail(STATUS_BAD_INPUT, "'%s' cannot name an entry of a checkpoint: no part may be empty or '.'",
                        path);
        }
        if (part[length] == '\0') {
            return STATUS_OK;
        }
        part += length + 1;
    }
}

static enum status check_array(const struct array *array, bool with_data)
{
    TRY(check_path(array->path));
    if (array->rank < 0 || array->rank > ARRAY_MAX_RANK) {
        return fail(STATUS_BAD_INPUT, "'%s' has %d dimensions: a checkpoint stores 0 to %d", array->path, array->rank,
                    (int)ARRAY_MAX_RANK);
    }
    int64_t size = 8;
    for (int i = 0; i < array->rank; i++) {
        if (array->dim[i] < 0 || __builtin_mul_overflow(size, array->dim[i], &size)) {
            return fail(STATUS_BAD_INPUT, "'%s' has a dimension of %" PRId64 ", which cannot be stored", array->path,
                        array->dim[i]);
        }
    }
    if (with_data && size > 0 && array->data == NULL) {
        return fail(STATUS_BAD_INPUT, "'%s' has a shape and no data", array->path);
    }
    return STATUS_OK;
}

static enum status check_content(const struct checkpoint *checkpoint, bool with_data)
{
    if (checkpoint->step < 0 || checkpoint->epoch < 0 || checkpoint->world_size < 1) {
        return fail(STATUS_BAD_INPUT,
                    "a checkpoint needs a step and an epoch of at least 0 and a world size of at least 1, not %" PRId64
                    ", %" PRId64 " and %d",
                    checkpoint->step, checkpoint->epoch, checkpoint->world_size);
    }
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        TRY(check_path(checkpoint->texts[i].path));
    }
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        TRY(check_array(&checkpoint->arrays[i], with_data));
    }
    return STATUS_OK;
}

/* Builds the file in image->data, without its seal, and sets image->length. */
static enum status build(struct image *image, const struct checkpoint *checkpoint, bool with_data)
{
    TRY(check_content(checkpoint, with_data));
    h5_prepare();
    enum status status = STATUS_OK;
    struct builder builder = {.image = image};
    struct properties properties = {0};
    hid_t file = 0;
    char name[H5_NAME_SIZE];
    h5_memory_name(image, name);
    image->length = 0;
    TRY_OUT(properties_init(&properties, &builder));
    TRY_OUT(h5_try(file = H5Fcreate(name, H5F_ACC_EXCL, properties.creation, properties.access),
                   "making an HDF5 file in memory"));
    TRY_OUT(write_content(file, &properties, checkpoint, with_data));
    TRY_OUT(h5_try(H5Fflush(file, H5F_SCOPE_LOCAL), "finishing an HDF5 file in memory"));
    hsize_t length = 0;
    TRY_OUT(h5_try(H5Fget_filesize(file, &length), "measuring an HDF5 file in memory"));
    image->length = (size_t)length;
out:
    if (file > 0) {
        enum status closed = h5_try(H5Fclose(file), "closing an HDF5 file in memory");
        status = status != STATUS_OK ? status : closed;
    }
    properties_release(&properties);
    if (builder.refused > 0) {
        return fail(STATUS_NO_MEMORY, "out of memory for the image of a checkpoint: at least %zu bytes were refused",
                    builder.refused);
    }
    return status;
}

enum status image_write(struct image *image, const struct checkpoint *checkpoint)
{
    TRY(build(image, checkpoint, true));
    if (image->length > image->capacity) {
        return fail(STATUS_FAILED, "HDF5 gave an image of %zu bytes and promised %zu", image->capacity, image->length);
    }
    TRY(seal_write(image->data, image->length));
    return image_check(image); /* that HDF5 can open what it wrote is worth knowing while the old files are there */
}

enum status image_reserve(struct image *image, const struct checkpoint *like)
{
    TRY(build(image, like, false));
    size_t length = image->length;
    size_t capacity = (size_t)round_up(length + RESERVE_ROOM, GROW_STEP);
    if (capacity > image->capacity) {
        image_release(image); /* before the new memory is taken: never twice the size */
        TRY(memory_allocate_touched(capacity, 1, &image->data));
        image->capacity = capacity;
        image->length = length;
    }
    return STATUS_OK;
}

void image_release(struct image *image)
{
    free(image->data);
    *image = (struct image){0};
}
