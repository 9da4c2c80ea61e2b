/*
 * CIFAR-10 in its binary version (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): records
 * of 3,073 bytes, a label from 0 to 9, then 32 x 32 bytes of red, of green and of blue, row by row. How many records a
 * file holds and how many files a part has is left to the files, so any subset will do.
 */
#include <errno.h>
#include <glob.h>
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

enum { CLASSES = 10, CHANNELS = 3, SIDE = 32, IMAGE_SIZE = CHANNELS * SIDE * SIDE, RECORD_SIZE = 1 + IMAGE_SIZE };

static const size_t size_limit = (size_t)1 << 40;
static const char names_file[] = "batches.meta.txt";
static const char *const split_keys[SPLIT_COUNT] = {"train", "test"};

struct cifar10_options {
    char *path;
    char *patterns[SPLIT_COUNT];
};

static const struct option options[] = {
    {.name = "path",
     .type = OPTION_STRING,
     .offset = offsetof(struct cifar10_options, path),
     .fallback = "",
     .help = "folder of the unpacked cifar-10-binary.tar.gz; the files may be .gz"},
    {.name = "train",
     .type = OPTION_STRING,
     .offset = offsetof(struct cifar10_options, patterns[SPLIT_TRAIN]),
     .fallback = "data_batch*",
     .help = "files to train on, a shell pattern inside path: data_batch_{1,2}.bin"},
    {.name = "test",
     .type = OPTION_STRING,
     .offset = offsetof(struct cifar10_options, patterns[SPLIT_TEST]),
     .fallback = "test_batch*",
     .help = "files to test on, a shell pattern inside path; empty: none"},
    OPTIONS_END,
};

struct records {
    uint8_t *bytes;
    int64_t count;
};

struct cifar10_state {
    struct records records[SPLIT_COUNT];
    struct pixels pixels;
    char *names; /* CLASSES lines */
    char *name_lines;
    const char *class_names[CLASSES];
    struct array arrays[PIXELS_ARRAYS];
    struct text_entry text; /* "data/class_names" */
};

/* --- files -------------------------------------------------------------------------------------------------------- */

/* Is this the packed twin of the file before it? */
static bool is_twin(const char *before, const char *path)
{
    size_t length = strlen(before);
    return strncmp(before, path, length) == 0 && strcmp(path + length, ".gz") == 0;
}

static enum status check_records(const char *path, const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return fail(STATUS_BAD_INPUT, "%s is empty; fetch it again", path);
    }
    if (size % RECORD_SIZE != 0) {
        return fail(STATUS_BAD_INPUT,
                    "%s holds %zu bytes, but records of CIFAR-10's binary version have %d: it is cut off, or packed "
                    "otherwise than by gzip, or another kind of file",
                    path, size, RECORD_SIZE);
    }
    for (size_t i = 0; i < size / RECORD_SIZE; i++) {
        int label = bytes[i * RECORD_SIZE];
        if (label >= CLASSES) {
            return fail(STATUS_BAD_INPUT, "%s: the label of record %zu (from 0) is %d; labels are 0 to %d", path, i,
                        label, CLASSES - 1);
        }
    }
    return STATUS_OK;
}

static enum status add_file(struct records *records, const char *path)
{
    uint8_t *bytes;
    size_t size;
    TRY(bytes_read(path, size_limit, &bytes, &size));
    enum status status;
    TRY_OUT(check_records(path, bytes, size));
    size_t before = (size_t)records->count * RECORD_SIZE;
    TRY_OUT(memory_resize(before + size, 1, &records->bytes));
    memcpy(records->bytes + before, bytes, size);
    records->count += (int64_t)(size / RECORD_SIZE);
out:
    free(bytes);
    return status;
}

static enum status find_files(const char *folder, const char *pattern, const char *key, glob_t *files)
{
    bool inside = folder[0] != '\0' && pattern[0] != '/';
    char *whole;
    TRY(memory_format(&whole, "%s%s%s", inside ? folder : "", inside ? "/" : "", pattern));
    errno = 0;
    int code = glob(whole, GLOB_BRACE | GLOB_ERR, NULL, files);
    enum status status = STATUS_OK;
    if (code == GLOB_NOSPACE) {
        status = fail(STATUS_NO_MEMORY, "out of memory to look for %s", whole);
    } else if (code == GLOB_NOMATCH || (code == GLOB_ABORTED && errno == ENOENT)) {
        status = fail(STATUS_BAD_INPUT,
                      "there is no file %s: mend path (the folder of the unpacked cifar-10-binary.tar.gz), or name the "
                      "files with %s",
                      whole, key);
    } else if (code != 0) {
        status = fail(STATUS_BAD_INPUT, "%s cannot be looked for: %s", whole, strerror(errno));
    }
    free(whole);
    return status;
}

/* All files of one part in the order of their names; *first gets the first one's path. */
static enum status read_split(struct cifar10_state *state, const struct cifar10_options *given, enum split split,
                              char **first)
{
    if (given->patterns[split][0] == '\0') {
        return split == SPLIT_TEST ? STATUS_OK
                                   : fail(STATUS_BAD_INPUT, "train is empty: it names the data to train on");
    }
    glob_t files = {0};
    enum status status;
    TRY_OUT(find_files(given->path, given->patterns[split], split_keys[split], &files));
    for (size_t i = 0; i < files.gl_pathc; i++) {
        if (i == 0 || !is_twin(files.gl_pathv[i - 1], files.gl_pathv[i])) {
            TRY_OUT(add_file(&state->records[split], files.gl_pathv[i]));
        }
    }
    if (first != NULL) {
        TRY_OUT(memory_copy_string(files.gl_pathv[0], first));
    }
out:
    globfree(&files);
    return status;
}

/* --- names of the classes ----------------------------------------------------------------------------------------- */

/* Cuts state->name_lines, a copy of state->names, into lines. `where` is for messages. */
static enum status split_names(struct cifar10_state *state, const char *where)
{
    TRY(memory_copy_string(state->names, &state->name_lines));
    int count = 0;
    char *rest = NULL;
    for (char *name = strtok_r(state->name_lines, "\r\n", &rest); name != NULL; name = strtok_r(NULL, "\r\n", &rest)) {
        if (count < CLASSES) {
            state->class_names[count] = name;
        }
        count++;
    }
    if (count != CLASSES) {
        return fail(STATUS_BAD_INPUT, "%s holds %d names; there must be %d, one a line, as there are labels", where,
                    count, CLASSES);
    }
    return STATUS_OK;
}

/* From the file beside the first training file; without one the labels' numbers do. */
static enum status read_names(struct cifar10_state *state, const char *train_file)
{
    char *path;
    const char *slash = strrchr(train_file, '/');
    int folder = slash != NULL ? (int)(slash - train_file) + 1 : 0;
    TRY(memory_format(&path, "%.*s%s", folder, train_file, names_file));
    enum status status;
    if (access(path, F_OK) == 0) {
        uint8_t *bytes;
        size_t size;
        TRY_OUT(bytes_read(path, 1 << 16, &bytes, &size));
        state->names = (char *)bytes;
    } else {
        TRY_OUT(memory_copy_string("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", &state->names));
    }
    TRY_OUT(split_names(state, path));
out:
    free(path);
    return status;
}

static enum status restore_names(struct cifar10_state *state, const struct checkpoint *saved)
{
    const char *names;
    TRY(saved_text(saved, "data/class_names", &names));
    TRY(memory_copy_string(names, &state->names));
    return split_names(state, "data/class_names of the checkpoint");
}

/* --- the source --------------------------------------------------------------------------------------------------- */

static enum status digest_content(const struct cifar10_state *state, uint8_t result[DIGEST_SIZE])
{
    struct digest *digest;
    TRY(digest_create(&digest));
    enum status status;
    TRY_OUT(digest_add(digest, "cifar10", 7));
    for (int split = 0; split < SPLIT_COUNT; split++) {
        const struct records *records = &state->records[split];
        TRY_OUT(digest_add(digest, &records->count, sizeof records->count));
        if (records->count > 0) {
            TRY_OUT(digest_add(digest, records->bytes, (size_t)records->count * RECORD_SIZE));
        }
    }
    TRY_OUT(digest_add(digest, state->names, strlen(state->names)));
    TRY_OUT(pixels_digest(&state->pixels, digest));
    TRY_OUT(digest_finish(digest, result));
out:
    digest_destroy(digest);
    return status;
}

static void describe(struct dataset *dataset, struct cifar10_state *state)
{
    dataset->fields[0] = (struct field){.name = "image", .dtype = DTYPE_FLOAT32, .shape = state->pixels.shape};
    dataset->fields[1] = (struct field){.name = "label", .dtype = DTYPE_INT32, .shape = shape_scalar()};
    dataset->field_count = 2;
    for (int split = 0; split < SPLIT_COUNT; split++) {
        dataset->count[split] = state->records[split].count;
    }
    dataset->classes = CLASSES;
    dataset->class_names = state->class_names;
    dataset->border = state->pixels.black;
    pixels_arrays(&state->pixels, state->arrays);
    state->text = (struct text_entry){.path = "data/class_names", .text = state->names};
}

static enum status cifar10_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    const struct cifar10_options *given = values;
    struct cifar10_state *state;
    TRY(memory_allocate(1, sizeof *state, &state));
    dataset->state = state;
    char *train_file = NULL;
    enum status status;
    TRY_OUT(read_split(state, given, SPLIT_TRAIN, &train_file));
    TRY_OUT(read_split(state, given, SPLIT_TEST, NULL));
    TRY_OUT(saved != NULL ? restore_names(state, saved) : read_names(state, train_file));
    const struct records *train = &state->records[SPLIT_TRAIN];
    struct pixel_images images = {.first = train->bytes + 1, .count = train->count, .step = RECORD_SIZE};
    TRY_OUT(pixels_init(&state->pixels, shape_image(CHANNELS, SIDE, SIDE), &images, saved));
    describe(dataset, state);
    TRY_OUT(digest_content(state, dataset->digest));
out:
    free(train_file);
    return status;
}

static void cifar10_close(struct dataset *dataset)
{
    struct cifar10_state *state = dataset->state;
    if (state == NULL) {
        return;
    }
    for (int split = 0; split < SPLIT_COUNT; split++) {
        free(state->records[split].bytes);
    }
    pixels_release(&state->pixels);
    free(state->names);
    free(state->name_lines);
    free(state);
}

static enum status cifar10_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                                void *const fields[])
{
    (void)epoch;
    const struct cifar10_state *state = dataset->state;
    const uint8_t *record = state->records[split].bytes + index * RECORD_SIZE;
    int32_t *label = fields[1];
    *label = record[0];
    pixels_write(&state->pixels, record + 1, fields[0]);
    return STATUS_OK;
}

static void cifar10_save(const struct dataset *dataset, struct dataset_state *saved)
{
    const struct cifar10_state *state = dataset->state;
    saved->arrays = state->arrays;
    saved->array_count = COUNT_OF(state->arrays);
    saved->texts = &state->text;
    saved->text_count = 1;
}

const struct dataset_type dataset_cifar10 = {
    .name = "cifar10",
    .help = "CIFAR-10's binary version: colour photographs of 32 x 32 in 10 classes; normalised by the training part",
    .options = options,
    .options_size = sizeof(struct cifar10_options),
    .open = cifar10_open,
    .close = cifar10_close,
    .read = cifar10_read,
    .state = cifar10_save,
};
