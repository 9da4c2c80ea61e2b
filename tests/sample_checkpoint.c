#include "tests/sample_checkpoint.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static const struct array shapes[] = {
    {.path = "model/fc1.weight", .type = ARRAY_FLOAT32, .rank = 2, .dim = {5, 7}},
    {.path = "model/fc1.bias", .type = ARRAY_FLOAT32, .rank = 1, .dim = {5}},
    {.path = "model/layer1.0.conv1.weight", .type = ARRAY_FLOAT32, .rank = 4, .dim = {3, 2, 3, 3}},
    {.path = "model/volume", .type = ARRAY_FLOAT32, .rank = 5, .dim = {2, 1, 3, 2, 2}},
    {.path = "model/größe.重み", .type = ARRAY_FLOAT32, .rank = 3, .dim = {2, 3, 4}},
    {.path = "optimizer/moment1/fc1.weight", .type = ARRAY_FLOAT32, .rank = 2, .dim = {5, 7}},
    {.path = "progress/best", .type = ARRAY_FLOAT64, .rank = 0},
    {.path = "progress/cursor", .type = ARRAY_INT64, .rank = 0},
    {.path = "metrics/step", .type = ARRAY_INT64, .rank = 1, .dim = {9}},
    {.path = "metrics/loss", .type = ARRAY_FLOAT64, .rank = 1, .dim = {9}},
    {.path = "metrics/empty", .type = ARRAY_FLOAT64, .rank = 1, .dim = {0}},
    {.path = "model/empty", .type = ARRAY_FLOAT32, .rank = 3, .dim = {4, 0, 2}},
    {.path = "model/extra", .type = ARRAY_FLOAT32, .rank = 1},
};

static enum status fill(struct array *array, int64_t step, uint64_t item)
{
    struct random random;
    random_init(&random, (uint64_t)step, RANDOM_DATA, item);
    TRY(memory_allocate(array_size(array), 1, &array->data));
    for (int64_t i = 0; i < array_count(array); i++) {
        uint32_t word = random_next(&random);
        switch (array->type) {
        case ARRAY_FLOAT32:
            ((float *)array->data)[i] = random_float(word) - 0.5F;
            break;
        case ARRAY_FLOAT64:
            ((double *)array->data)[i] = (double)word * 1e-9 - 1.0;
            break;
        case ARRAY_INT64:
            ((int64_t *)array->data)[i] = (int64_t)word * -1000003;
            break;
        }
    }
    return STATUS_OK;
}

static enum status add_text(struct checkpoint *checkpoint, const char *path, const char *text, size_t repeat)
{
    TRY(memory_resize(checkpoint->text_count + 1, sizeof *checkpoint->texts, &checkpoint->texts));
    struct text_entry *entry = &checkpoint->texts[checkpoint->text_count++];
    *entry = (struct text_entry){0};
    TRY(memory_copy_string(path, &entry->path));
    size_t length = strlen(text);
    TRY(memory_allocate(repeat * length + 1, 1, &entry->text));
    for (size_t i = 0; i < repeat; i++) {
        memcpy(entry->text + i * length, text, length);
    }
    return STATUS_OK;
}

static enum status fill_all(struct checkpoint *checkpoint, int64_t extra)
{
    TRY(memory_allocate(COUNT_OF(shapes), sizeof *checkpoint->arrays, &checkpoint->arrays));
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct array *array = &checkpoint->arrays[checkpoint->array_count++];
        *array = shapes[i];
        array->path = NULL; /* checkpoint_destroy() must not free the table's */
        TRY(memory_copy_string(shapes[i].path, &array->path));
        if (i == COUNT_OF(shapes) - 1) {
            array->dim[0] = extra;
        }
        TRY(fill(array, checkpoint->step, i));
    }
    TRY(add_text(checkpoint, "config", "[run]\nname = Prüfung ✓\n", 40));
    TRY(add_text(checkpoint, "progress/note", "", 0));
    return add_text(checkpoint, "wörter/一覧", "a\tb\n", 3);
}

enum status sample_checkpoint(int64_t step, int64_t extra, struct checkpoint **result)
{
    struct checkpoint *checkpoint = NULL;
    TRY(memory_allocate(1, sizeof *checkpoint, &checkpoint));
    checkpoint->step = step;
    checkpoint->epoch = step / 10;
    checkpoint->seed = UINT64_MAX - (uint64_t)step;
    checkpoint->world_size = 3;
    enum status status = fill_all(checkpoint, extra);
    if (status != STATUS_OK) {
        checkpoint_destroy(checkpoint);
        return status;
    }
    *result = checkpoint;
    return STATUS_OK;
}

static bool same_array(const struct array *a, const struct array *b)
{
    if (b == NULL || a->type != b->type || a->rank != b->rank ||
        memcmp(a->dim, b->dim, (size_t)a->rank * sizeof a->dim[0]) != 0) {
        return false;
    }
    return array_size(a) == 0 || memcmp(a->data, b->data, array_size(a)) == 0;
}

bool same_checkpoint(const struct checkpoint *a, const struct checkpoint *b)
{
    bool same = a->step == b->step && a->epoch == b->epoch && a->seed == b->seed && a->world_size == b->world_size &&
                a->array_count == b->array_count && a->text_count == b->text_count;
    for (size_t i = 0; same && i < a->array_count; i++) {
        same = same_array(&a->arrays[i], checkpoint_array(b, a->arrays[i].path));
    }
    for (size_t i = 0; same && i < a->text_count; i++) {
        const char *other = checkpoint_text(b, a->texts[i].path);
        same = other != NULL && strcmp(a->texts[i].text, other) == 0;
    }
    return same;
}

enum status write_test_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && (size == 0 || fwrite(data, size, 1, file) == 1);
    bool closed = file != NULL && fclose(file) == 0;
    return written && closed ? STATUS_OK : fail(STATUS_FAILED, "%s cannot be written", path);
}

enum status make_test_folder(char **folder)
{
    const char *temporary = getenv("TMPDIR");
    TRY(memory_format(folder, "%s/lemnos-test-XXXXXX", temporary != NULL ? temporary : "/tmp"));
    if (mkdtemp(*folder) == NULL) {
        return fail(STATUS_FAILED, "%s cannot be made: %s", *folder, strerror(errno));
    }
    return STATUS_OK;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *position)
{
    (void)about;
    (void)kind;
    (void)position;
    return remove(path);
}

void remove_test_folder(char *folder)
{
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(folder);
}
