/*
 * IDX files, the format of MNIST and its kin: a big-endian header (two zero bytes, the type of the values, the number
 * of dimensions, each dimension in 4 bytes), then the values. Images are unsigned bytes, N x H x W or N x C x H x W;
 * labels are N unsigned bytes. Without the test files nothing is evaluated; a checkpoint, which holds what was learnt
 * from the training files, is evaluated without those.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "data/bytes.h"
#include "data/pixels.h"
#include "data/saved.h"
#include "data/source.h"

struct idx_options {
    char *path;
    char *images[SPLIT_COUNT], *labels[SPLIT_COUNT];
};

static const struct option options[] = {
    {.name = "path",
     .type = OPTION_STRING,
     .offset = offsetof(struct idx_options, path),
     .fallback = "",
     .help = "folder with train-images-idx3-ubyte, train-labels-idx1-ubyte and, to evaluate, the two of t10k; plain or "
             ".gz"},
    {.name = "train_images",
     .type = OPTION_STRING,
     .offset = offsetof(struct idx_options, images[SPLIT_TRAIN]),
     .fallback = "",
     .help = "this file instead of the one in path: unsigned bytes, N x H x W or N x C x H x W"},
    {.name = "train_labels",
     .type = OPTION_STRING,
     .offset = offsetof(struct idx_options, labels[SPLIT_TRAIN]),
     .fallback = "",
     .help = "this file instead of the one in path: N unsigned bytes, classes from 0"},
    {.name = "test_images",
     .type = OPTION_STRING,
     .offset = offsetof(struct idx_options, images[SPLIT_TEST]),
     .fallback = "",
     .help = "this file instead of the one in path"},
    {.name = "test_labels",
     .type = OPTION_STRING,
     .offset = offsetof(struct idx_options, labels[SPLIT_TEST]),
     .fallback = "",
     .help = "this file instead of the one in path"},
    OPTIONS_END,
};

enum { MAX_RANK = 4, MAGIC_SIZE = 4, UNSIGNED_BYTE = 0x08, MAX_HEADER = MAGIC_SIZE + 4 * MAX_RANK, MAX_CLASSES = 256 };

struct idx_file {
    uint8_t *bytes;
    const uint8_t *values; /* behind the header */
    int rank;
    int64_t dim[MAX_RANK];
};

struct idx_state {
    struct idx_file images[SPLIT_COUNT], labels[SPLIT_COUNT];
    struct pixels pixels;
    int64_t image_size; /* bytes */
    int64_t classes;
    char names[MAX_CLASSES][4];
    const char *class_names[MAX_CLASSES];
    struct array arrays[PIXELS_ARRAYS + 1];
};

static int64_t big_endian(const uint8_t *bytes)
{
    return (int64_t)bytes[0] << 24 | (int64_t)bytes[1] << 16 | (int64_t)bytes[2] << 8 | (int64_t)bytes[3];
}

/* Checks the header in the first `size` bytes of the file and returns the size that the whole file must have. */
static enum status read_header(struct idx_file *file, const char *path, const uint8_t *bytes, size_t size, int min_rank,
                               int max_rank, size_t *expected)
{
    if (size < MAGIC_SIZE) {
        return fail(STATUS_BAD_INPUT, "%s: the header is cut off after %zu bytes; fetch the file again", path, size);
    }
    if (bytes[0] != 0 || bytes[1] != 0) {
        return fail(STATUS_BAD_INPUT, "%s is no IDX file: the magic number begins with %02x %02x instead of 00 00",
                    path, bytes[0], bytes[1]);
    }
    if (bytes[2] != UNSIGNED_BYTE) {
        return fail(STATUS_BAD_INPUT, "%s: the type of the values is 0x%02x; only unsigned bytes (0x08) are read", path,
                    bytes[2]);
    }
    file->rank = bytes[3];
    if (file->rank < min_rank || file->rank > max_rank) {
        return fail(STATUS_BAD_INPUT, "%s: the number of dimensions is %d; %s", path, file->rank,
                    max_rank == 1 ? "labels have 1" : "images have 3 (N x H x W) or 4 (N x C x H x W)");
    }
    *expected = MAGIC_SIZE + 4 * (size_t)file->rank;
    if (size < *expected) {
        return fail(STATUS_BAD_INPUT, "%s: the header is cut off after %zu bytes; fetch the file again", path, size);
    }
    int64_t values = 1;
    for (int i = 0; i < file->rank; i++) {
        file->dim[i] = big_endian(bytes + MAGIC_SIZE + 4 * i);
        if (file->dim[i] == 0) {
            return fail(STATUS_BAD_INPUT, "%s: dimension %d is 0: the file holds no samples", path, i + 1);
        }
        if (__builtin_mul_overflow(values, file->dim[i], &values)) {
            return fail(STATUS_BAD_INPUT, "%s: the dimensions in the header are too large to be true", path);
        }
    }
    if (__builtin_add_overflow(*expected, (size_t)values, expected) || *expected == SIZE_MAX) {
        return fail(STATUS_BAD_INPUT, "%s: the dimensions in the header are too large to be true", path);
    }
    return STATUS_OK;
}

static enum status read_file(struct idx_file *file, const char *path, int min_rank, int max_rank)
{
    uint8_t *header = NULL;
    size_t size;
    size_t expected = 0;
    TRY(bytes_read(path, MAX_HEADER, &header, &size));
    enum status status = read_header(file, path, header, size, min_rank, max_rank, &expected);
    free(header);
    TRY(status);
    /* One byte more than there should be tells whether something follows. */
    TRY(bytes_read(path, expected + 1, &file->bytes, &size));
    if (size < expected) {
        return fail(STATUS_BAD_INPUT,
                    "%s: the dimensions in the header ask for %zu bytes, but the file ends after %zu; fetch it again",
                    path, expected, size);
    }
    if (size > expected) {
        return fail(STATUS_BAD_INPUT,
                    "%s: the dimensions in the header ask for %zu bytes, but the file goes on behind them", path,
                    expected);
    }
    file->values = file->bytes + MAGIC_SIZE + 4 * file->rank;
    return STATUS_OK;
}

/* The path of one of the four files: the one that is given, or the standard one in the folder, plain or .gz. */
static enum status find_file(const char *given, const char *key, const char *folder, const char *name, char **path)
{
    if (given[0] != '\0') {
        return memory_copy_string(given, path);
    }
    if (folder[0] == '\0') {
        return fail(STATUS_BAD_INPUT, "path is empty, the folder of the four files, and so is %s, this file", key);
    }
    static const char *const endings[] = {"", ".gz"};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        TRY(memory_format(path, "%s/%s%s", folder, name, endings[i]));
        if (access(*path, F_OK) == 0) {
            return STATUS_OK;
        }
        free(*path);
        *path = NULL;
    }
    return fail(STATUS_BAD_INPUT, "there is no %s/%s, plain or .gz: mend path, or name the file with %s", folder, name,
                key);
}

static const char *const image_names[] = {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"};
static const char *const label_names[] = {"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"};

/* Whether any of a part's two files is named, or lies in the folder: then the other one must be there too. */
static bool has_split(const struct idx_options *given, enum split split)
{
    const char *const names[] = {image_names[split], label_names[split]};
    bool has = given->images[split][0] != '\0' || given->labels[split][0] != '\0';
    for (size_t i = 0; i < COUNT_OF(names) && !has; i++) {
        char *path;
        if (find_file("", "", given->path, names[i], &path) == STATUS_OK) {
            has = true;
            free(path);
        }
        status_clear();
    }
    return has;
}

static enum status read_split(struct idx_state *state, const struct idx_options *given, enum split split)
{
    static const char *const image_keys[] = {"train_images", "test_images"};
    static const char *const label_keys[] = {"train_labels", "test_labels"};
    struct idx_file *images = &state->images[split];
    struct idx_file *labels = &state->labels[split];
    char *image_path = NULL;
    char *label_path = NULL;
    enum status status;
    TRY_OUT(find_file(given->images[split], image_keys[split], given->path, image_names[split], &image_path));
    TRY_OUT(find_file(given->labels[split], label_keys[split], given->path, label_names[split], &label_path));
    TRY_OUT(read_file(images, image_path, 3, 4));
    TRY_OUT(read_file(labels, label_path, 1, 1));
    if (images->dim[0] != labels->dim[0]) {
        status = fail(STATUS_BAD_INPUT, "%s holds %" PRId64 " images, but %s holds %" PRId64 " labels", image_path,
                      images->dim[0], label_path, labels->dim[0]);
    }
out:
    free(image_path);
    free(label_path);
    return status;
}

static struct shape image_shape(const struct idx_file *images)
{
    const int64_t *dim = images->dim;
    return images->rank == 3 ? shape_image(1, dim[1], dim[2]) : shape_image(dim[1], dim[2], dim[3]);
}

static enum status learn(struct idx_state *state, struct shape shape, const struct checkpoint *saved)
{
    const struct idx_file *train = &state->images[SPLIT_TRAIN];
    state->image_size = shape_count(shape);
    struct pixel_images images = {.first = train->values, .count = train->dim[0], .step = state->image_size};
    TRY(pixels_init(&state->pixels, shape, &images, saved));
    if (saved != NULL) {
        return saved_integer(saved, "data/classes", &state->classes);
    }
    const struct idx_file *labels = &state->labels[SPLIT_TRAIN];
    for (int64_t i = 0; i < labels->dim[0]; i++) {
        if (labels->values[i] >= state->classes) {
            state->classes = labels->values[i] + 1;
        }
    }
    return STATUS_OK;
}

/* Every label must be one of the classes that were learnt from. */
static enum status check_labels(const struct idx_state *state)
{
    static const char *const names[] = {"train", "test"};
    if (state->classes < 1 || state->classes > MAX_CLASSES) {
        return fail(STATUS_BAD_INPUT, "data/classes of the checkpoint is %" PRId64 ": take another checkpoint",
                    state->classes);
    }
    for (int split = 0; split < SPLIT_COUNT; split++) {
        const struct idx_file *labels = &state->labels[split];
        for (int64_t i = 0; i < labels->dim[0]; i++) {
            if (labels->values[i] >= state->classes) {
                return fail(STATUS_BAD_INPUT,
                            "label %" PRId64 " of the %s labels is %d, but the classes learnt from are 0 to %" PRId64,
                            i, names[split], labels->values[i], state->classes - 1);
            }
        }
    }
    return STATUS_OK;
}

static enum status digest_content(const struct idx_state *state, uint8_t result[DIGEST_SIZE])
{
    struct digest *digest;
    TRY(digest_create(&digest));
    enum status status;
    TRY_OUT(digest_add(digest, "idx", 3));
    for (int split = 0; split < SPLIT_COUNT; split++) {
        const struct idx_file *files[] = {&state->images[split], &state->labels[split]};
        for (size_t f = 0; f < COUNT_OF(files); f++) {
            size_t size = files[f]->rank > 0 ? 1 : 0; /* 0: there is no such file */
            for (int i = 0; i < files[f]->rank; i++) {
                size *= (size_t)files[f]->dim[i];
            }
            TRY_OUT(digest_add(digest, files[f]->dim, sizeof files[f]->dim));
            TRY_OUT(digest_add(digest, files[f]->values, size));
        }
    }
    TRY_OUT(pixels_digest(&state->pixels, digest));
    TRY_OUT(digest_finish(digest, result));
out:
    digest_destroy(digest);
    return status;
}

static void describe(struct dataset *dataset, struct idx_state *state, struct shape shape)
{
    for (int64_t i = 0; i < state->classes; i++) {
        snprintf(state->names[i], sizeof state->names[i], "%d", (int)(uint8_t)i);
        state->class_names[i] = state->names[i];
    }
    dataset->fields[0] = (struct field){.name = "image", .dtype = DTYPE_FLOAT32, .shape = shape};
    dataset->fields[1] = (struct field){.name = "label", .dtype = DTYPE_INT32, .shape = shape_scalar()};
    dataset->field_count = 2;
    for (int split = 0; split < SPLIT_COUNT; split++) {
        dataset->count[split] = state->images[split].dim[0];
    }
    dataset->classes = state->classes;
    dataset->class_names = state->class_names;
    dataset->border = state->pixels.black;
    pixels_arrays(&state->pixels, state->arrays);
    state->arrays[PIXELS_ARRAYS] = (struct array){.path = "data/classes", .type = ARRAY_INT64, .data = &state->classes};
}

static enum status idx_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    const struct idx_options *given = values;
    struct idx_state *state;
    TRY(memory_allocate(1, sizeof *state, &state));
    dataset->state = state;
    bool has_test = has_split(given, SPLIT_TEST);
    bool has_train = has_split(given, SPLIT_TRAIN) || saved == NULL || !has_test;
    if (has_train) {
        TRY(read_split(state, given, SPLIT_TRAIN));
    }
    if (has_test) {
        TRY(read_split(state, given, SPLIT_TEST));
    }
    struct shape shape = image_shape(&state->images[has_train ? SPLIT_TRAIN : SPLIT_TEST]);
    struct shape test_shape = image_shape(&state->images[has_test ? SPLIT_TEST : SPLIT_TRAIN]);
    if (!shape_equal(shape, test_shape)) {
        char text[SHAPE_TEXT_SIZE];
        char test_text[SHAPE_TEXT_SIZE];
        return fail(STATUS_BAD_INPUT, "the training images are %s, but the test images are %s",
                    shape_format(shape, text), shape_format(test_shape, test_text));
    }
    TRY(learn(state, shape, saved));
    TRY(check_labels(state));
    describe(dataset, state, shape);
    return digest_content(state, dataset->digest);
}

static void idx_close(struct dataset *dataset)
{
    struct idx_state *state = dataset->state;
    if (state == NULL) {
        return;
    }
    for (int split = 0; split < SPLIT_COUNT; split++) {
        free(state->images[split].bytes);
        free(state->labels[split].bytes);
    }
    pixels_release(&state->pixels);
    free(state);
}

static enum status idx_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                            void *const fields[])
{
    (void)epoch;
    const struct idx_state *state = dataset->state;
    pixels_write(&state->pixels, state->images[split].values + index * state->image_size, fields[0]);
    int32_t *label = fields[1];
    *label = state->labels[split].values[index];
    return STATUS_OK;
}

static void idx_save(const struct dataset *dataset, struct dataset_state *saved)
{
    const struct idx_state *state = dataset->state;
    saved->arrays = state->arrays;
    saved->array_count = COUNT_OF(state->arrays);
}

const struct dataset_type dataset_idx = {
    .name = "idx",
    .help = "images and labels in IDX files, as MNIST and its kin come; normalised by the training part",
    .options = options,
    .options_size = sizeof(struct idx_options),
    .open = idx_open,
    .close = idx_close,
    .read = idx_read,
    .state = idx_save,
};
