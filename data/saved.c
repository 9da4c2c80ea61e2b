#include "data/saved.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define WRONG_DATA "open it with the [data] section that it was trained with"

static enum status find(const struct checkpoint *saved, const char *path, enum array_type type, int64_t count,
                        const struct array **array)
{
    *array = checkpoint_array(saved, path);
    if (*array == NULL) {
        return fail(STATUS_BAD_INPUT,
                    "the checkpoint has no %s, so it was not trained on this kind of data; " WRONG_DATA, path);
    }
    if ((*array)->type != type || array_count(*array) != count) {
        return fail(STATUS_BAD_INPUT,
                    "%s of the checkpoint holds %" PRId64 " values where the data need %" PRId64 "; " WRONG_DATA, path,
                    array_count(*array), count);
    }
    return STATUS_OK;
}

enum status saved_floats(const struct checkpoint *saved, const char *path, int64_t count, float *values)
{
    const struct array *array;
    TRY(find(saved, path, ARRAY_FLOAT32, count, &array));
    memcpy(values, array->data, (size_t)count * sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) {
            return fail(STATUS_BAD_INPUT,
                        "%s of the checkpoint holds a value that is not finite: take another checkpoint", path);
        }
    }
    return STATUS_OK;
}

enum status saved_scales(const struct checkpoint *saved, const char *path, int64_t count, float *values)
{
    TRY(saved_floats(saved, path, count, values));
    for (int64_t i = 0; i < count; i++) {
        if (values[i] <= 0.0F) {
            return fail(STATUS_BAD_INPUT,
                        "%s of the checkpoint holds a value that is not above 0: take another checkpoint", path);
        }
    }
    return STATUS_OK;
}

enum status saved_integer(const struct checkpoint *saved, const char *path, int64_t *value)
{
    const struct array *array;
    TRY(find(saved, path, ARRAY_INT64, 1, &array));
    memcpy(value, array->data, sizeof *value);
    return STATUS_OK;
}

enum status saved_text(const struct checkpoint *saved, const char *path, const char **text)
{
    *text = checkpoint_text(saved, path);
    if (*text == NULL) {
        return fail(STATUS_BAD_INPUT,
                    "the checkpoint has no %s, so it was not trained on this kind of data; " WRONG_DATA, path);
    }
    return STATUS_OK;
}

struct array saved_vector(char *path, int64_t count, float *values)
{
    return (struct array){.path = path, .type = ARRAY_FLOAT32, .rank = 1, .dim = {count}, .data = values};
}
