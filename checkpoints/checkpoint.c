#include "checkpoints/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays pass between memory and files unconverted");

static const char model_prefix[] = "model/";

int64_t array_count(const struct array *array)
{
    int64_t count = 1;
    for (int i = 0; i < array->rank; i++) {
        count *= array->dim[i];
    }
    return count;
}

size_t array_size(const struct array *array)
{
    return (size_t)array_count(array) * (array->type == ARRAY_FLOAT32 ? 4 : 8);
}

const struct array *checkpoint_array(const struct checkpoint *checkpoint, const char *path)
{
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        if (strcmp(checkpoint->arrays[i].path, path) == 0) {
            return &checkpoint->arrays[i];
        }
    }
    return NULL;
}

const char *checkpoint_text(const struct checkpoint *checkpoint, const char *path)
{
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        if (strcmp(checkpoint->texts[i].path, path) == 0) {
            return checkpoint->texts[i].text;
        }
    }
    return NULL;
}

void checkpoint_destroy(struct checkpoint *checkpoint)
{
    if (checkpoint == NULL) {
        return;
    }
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        free(checkpoint->arrays[i].path);
        free(checkpoint->arrays[i].data);
    }
    for (size_t i = 0; i < checkpoint->text_count; i++) {
        free(checkpoint->texts[i].path);
        free(checkpoint->texts[i].text);
    }
    free(checkpoint->arrays);
    free(checkpoint->texts);
    free(checkpoint);
}

static int by_path(const void *a, const void *b)
{
    const struct array *const *left = a;
    const struct array *const *right = b;
    return strcmp((*left)->path, (*right)->path);
}

static enum status digest_array(struct digest *digest, const struct array *array)
{
    const int64_t head[] = {array->type, array->rank};
    TRY(digest_add(digest, array->path, strlen(array->path) + 1));
    TRY(digest_add(digest, head, sizeof head));
    TRY(digest_add(digest, array->dim, (size_t)array->rank * sizeof array->dim[0]));
    return digest_add(digest, array->data, array_size(array));
}

enum status checkpoint_model_digest(const struct checkpoint *checkpoint, char text[DIGEST_TEXT_SIZE])
{
    enum status status = STATUS_OK;
    const struct array **model = NULL;
    struct digest *digest = NULL;
    size_t count = 0;
    TRY_OUT(memory_allocate(checkpoint->array_count, sizeof *model, &model));
    for (size_t i = 0; i < checkpoint->array_count; i++) {
        if (strncmp(checkpoint->arrays[i].path, model_prefix, sizeof model_prefix - 1) == 0) {
            model[count++] = &checkpoint->arrays[i];
        }
    }
    if (count > 0) {
        qsort(model, count, sizeof *model, by_path);
    }
    TRY_OUT(digest_create(&digest));
    for (size_t i = 0; i < count; i++) {
        TRY_OUT(digest_array(digest, model[i]));
    }
    uint8_t result[DIGEST_SIZE];
    TRY_OUT(digest_finish(digest, result));
    digest_text(result, text);
out:
    digest_destroy(digest);
    free(model);
    return status;
}
