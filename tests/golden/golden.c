#include "tests/golden/golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

enum status golden_parse(int argc, char **argv, struct golden_arguments *arguments)
{
    static const char *const classes[] = {"cpu", "gpu", "matrix", "best"};
    if (argc < 3 || argc > 4 || (argc == 4 && strcmp(argv[3], "validation") != 0)) {
        return fail(STATUS_BAD_INPUT, "usage: %s FOLDER cpu|gpu|matrix|best [validation]", argv[0]);
    }
    *arguments = (struct golden_arguments){
        .folder = argv[1], .engine = {.kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .validation = argc == 4}};
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (strcmp(argv[2], classes[i]) == 0) {
            arguments->engine.device_class = i < CLASS_COUNT ? (int)i : -1;
            return STATUS_OK;
        }
    }
    return fail(STATUS_BAD_INPUT, "there is no class %s", argv[2]);
}

bool golden_can_run(const struct golden_arguments *arguments)
{
    if (arguments->engine.device_class != CLASS_GPU_MATRIX) {
        return true; /* or the test should fail */
    }
    struct engine *engine;
    enum status status = engine_create(&arguments->engine, &engine);
    if (status == STATUS_OK) {
        engine_destroy(engine);
    }
    return status == STATUS_OK;
}

enum status golden_open(const char *folder, const char *name, hid_t *file)
{
    char *path;
    TRY(memory_format(&path, "%s/%s.h5", folder, name));
    H5E_BEGIN_TRY
    {
        *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    }
    H5E_END_TRY;
    enum status status = STATUS_OK;
    if (*file < 0) {
        status = fail(STATUS_NOT_FOUND, "%s cannot be opened; tests/golden/generate.py writes it", path);
    }
    free(path);
    return status;
}

struct walk {
    golden_visit *visit;
    void *context;
    enum status status;
};

static herr_t visit_link(hid_t file, const char *name, const H5L_info_t *info, void *data)
{
    (void)info;
    struct walk *walk = data;
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    walk->status = group < 0 ? fail(STATUS_FAILED, "%s is no group", name) : walk->visit(walk->context, group, name);
    H5Gclose(group);
    return walk->status == STATUS_OK ? 0 : -1;
}

enum status golden_each(hid_t file, golden_visit *visit, void *context)
{
    struct walk walk = {.visit = visit, .context = context};
    herr_t result;
    H5E_BEGIN_TRY
    {
        result = H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, visit_link, &walk);
    }
    H5E_END_TRY;
    if (result < 0 && walk.status == STATUS_OK) {
        return fail(STATUS_FAILED, "the groups of the file cannot be listed");
    }
    return walk.status;
}

/* An attribute of at most `capacity` elements as `type`; *count gets how many. */
static enum status read_attribute(hid_t group, const char *name, hid_t type, int capacity, void *values, int *count)
{
    if (H5Aexists(group, name) <= 0) {
        return fail(STATUS_FAILED, "the attribute %s is missing", name);
    }
    hid_t attribute = H5Aopen(group, name, H5P_DEFAULT);
    hid_t space = H5Aget_space(attribute);
    *count = (int)H5Sget_simple_extent_npoints(space);
    enum status status = STATUS_OK;
    if (*count > capacity || H5Aread(attribute, type, values) < 0) {
        status = fail(STATUS_FAILED, "the attribute %s cannot be read", name);
    }
    H5Sclose(space);
    H5Aclose(attribute);
    return status;
}

enum status golden_integer(hid_t group, const char *name, int64_t *value)
{
    int count;
    return read_attribute(group, name, H5T_NATIVE_INT64, 1, value, &count);
}

enum status golden_number(hid_t group, const char *name, double *value)
{
    int count;
    return read_attribute(group, name, H5T_NATIVE_DOUBLE, 1, value, &count);
}

enum status golden_integers(hid_t group, const char *name, int64_t *values, int capacity, int *count)
{
    return read_attribute(group, name, H5T_NATIVE_INT64, capacity, values, count);
}

enum status golden_numbers(hid_t group, const char *name, double *values, int capacity, int *count)
{
    return read_attribute(group, name, H5T_NATIVE_DOUBLE, capacity, values, count);
}

enum status golden_text(hid_t group, const char *name, char *text, size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    int count;
    enum status status = read_attribute(group, name, type, 1, text, &count);
    H5Tclose(type);
    return status;
}

bool golden_has(hid_t group, const char *name)
{
    return H5Lexists(group, name, H5P_DEFAULT) > 0;
}

enum status golden_draw_words(int64_t seed, int array, int64_t count, uint32_t **words)
{
    TRY(memory_allocate((size_t)count, sizeof **words, words));
    struct random_block block = {0};
    for (int64_t i = 0; i < count; i++) {
        if (i % 4 == 0) {
            block = random_philox((uint32_t)seed, 0, (uint32_t)(i / 4), (uint32_t)array, 0, 0);
        }
        (*words)[i] = block.word[i % 4];
    }
    return STATUS_OK;
}

enum status golden_draw(int64_t seed, int array, int64_t count, double low, double high, float **values)
{
    uint32_t *words;
    TRY(golden_draw_words(seed, array, count, &words));
    enum status status = memory_allocate((size_t)count, sizeof **values, values);
    for (int64_t i = 0; i < count && status == STATUS_OK; i++) {
        (*values)[i] = (float)(low + (high - low) * (double)random_float(words[i]));
    }
    free(words);
    return status;
}

struct expected {
    float *values;
    int64_t stride;
    double largest, product;
};

static enum status read_expected(hid_t group, const char *name, int64_t count, struct expected *expected)
{
    hid_t data = golden_has(group, name) ? H5Dopen2(group, name, H5P_DEFAULT) : -1;
    if (data < 0) {
        return fail(STATUS_FAILED, "the file holds no %s", name);
    }
    enum status status = STATUS_OK;
    int64_t shape[8];
    int rank;
    TRY_OUT(golden_integers(data, "shape", shape, (int)COUNT_OF(shape), &rank));
    TRY_OUT(golden_integer(data, "stride", &expected->stride));
    TRY_OUT(golden_number(data, "largest", &expected->largest));
    TRY_OUT(golden_number(data, "product", &expected->product));
    int64_t total = 1;
    for (int i = 0; i < rank; i++) {
        total *= shape[i];
    }
    if (total != count) {
        status = fail(STATUS_FAILED, "%s has %lld elements instead of %lld", name, (long long)count, (long long)total);
        goto out;
    }
    TRY_OUT(memory_allocate(divide_up((uint64_t)count, (uint64_t)expected->stride), sizeof(float), &expected->values));
    if (H5Dread(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, expected->values) < 0) {
        status = fail(STATUS_FAILED, "%s cannot be read", name);
    }
out:
    H5Dclose(data);
    return status;
}

/* NaN must not look small. */
static double worse(double error, double next)
{
    return next <= error ? error : next;
}

enum status golden_compare(hid_t group, const char *name, int64_t seed, const float *actual, int64_t count,
                           double *error)
{
    struct expected expected = {0};
    float *witness = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(read_expected(group, name, count, &expected));
    TRY_OUT(golden_draw(seed, GOLDEN_WITNESS, count, -1.0, 1.0, &witness));
    double size = expected.largest > 0.0 ? expected.largest : 1.0;
    double product = 0.0;
    *error = 0.0;
    for (int64_t i = 0; i < count; i++) {
        product += (double)actual[i] * (double)witness[i];
        if (i % expected.stride == 0) {
            *error = worse(*error, fabs((double)actual[i] - (double)expected.values[i / expected.stride]) / size);
        }
    }
    *error = worse(*error, fabs(product - expected.product) / (size * sqrt((double)count)));
    *error = isnan(*error) ? INFINITY : *error;
out:
    free(expected.values);
    free(witness);
    return status;
}
