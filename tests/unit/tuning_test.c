/* Tunings: no value of any field changes a bit of what a layer computes, and a file that does not fit is ignored. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/shape_tables.h"
#include "compute/single.h"
#include "compute/tuning_file.h"

/* --- bits --------------------------------------------------------------------------------------------------------- */

struct layer_case {
    const char *type;
    const char *options;
    struct shape shape;
    int64_t samples;
    int shards;
};

/* Small, and yet each field changes the dispatches of one of them. */
static const struct layer_case cases[] = {
    {"linear", "features = 150\n", VECTOR(202), 48, 2},
    {"linear", "features = 270\n", VECTOR(2600), 240, 2},
    {"linear", "features = 30\n", VECTOR(1100), 2400, 2},
    {"linear", "features = 1000\n", VECTOR(40), 1100, 1},
    {"conv2d", "channels = 36\nkernel = 3\nalgorithm = winograd\npadding = 1\n", IMAGE(32, 16, 16), 32, 2},
    {"conv2d", "channels = 20\nkernel = 5\n", IMAGE(20, 12, 12), 16, 2},
};

enum { RESULTS = 4 };

struct results {
    float *values[RESULTS]; /* output, gradient of the input, of weight, of bias */
    int64_t counts[RESULTS];
};

static void draw(uint64_t number, int64_t count, float **values)
{
    struct random random;
    random_init(&random, 7, RANDOM_DATA, number);
    assert_ok(memory_allocate((size_t)count, sizeof **values, values));
    for (int64_t i = 0; i < count; i++) {
        (*values)[i] = (float)random_normal(&random);
    }
}

static void print_dispatches(const struct tape *tape, char **text)
{
    size_t size;
    FILE *file = open_memstream(text, &size);
    assert_non_null(file);
    for (int i = 0; i < tape->step_count; i++) {
        const struct dispatch *dispatch = &tape->steps[i].dispatch;
        fprintf(file, "%s %u", dispatch->kernel, dispatch->groups[0]);
        for (int c = 0; c < dispatch->constant_count; c++) {
            fprintf(file, " %u", dispatch->constants[c]);
        }
        for (uint32_t p = 0; p < dispatch->push_size; p++) {
            fprintf(file, " %02x", dispatch->push[p]);
        }
        fprintf(file, "\n");
    }
    fclose(file);
}

static void create(const struct layer_case *c, enum engine_kind kind, enum device_class class,
                   const struct tuning *tuning, struct single **single)
{
    struct engine_params engine = {.kind = kind,
                                   .device = -1,
                                   .local_size = 1,
                                   .share_device = true,
                                   .device_class = (int)class,
                                   .tuning = tuning};
    enum dtype dtype = DTYPE_FLOAT32;
    struct single_part whole = {.shards = c->shards, .shard_count = c->shards};
    struct single_params params = {.engine = &engine,
                                   .type = layer_type_find(c->type),
                                   .options = c->options,
                                   .mode = TAPE_TRAIN,
                                   .samples = c->samples,
                                   .inputs = &c->shape,
                                   .dtypes = &dtype,
                                   .input_count = 1,
                                   .parts = &whole,
                                   .part_count = 1};
    assert_ok(single_create(&params, single));
}

static void run(const struct layer_case *c, enum device_class class, const struct tuning *tuning,
                struct results *results)
{
    struct single *single;
    create(c, ENGINE_VULKAN, class, tuning, &single);
    results->counts[0] = c->samples * shape_count(single_output_shape(single));
    results->counts[1] = c->samples * shape_count(c->shape);
    float *inputs[RESULTS];
    for (int i = 0; i < 2; i++) {
        results->counts[2 + i] = parameter_count(single_parameter(single, i));
        draw((uint64_t)(2 + i), results->counts[2 + i], &inputs[2 + i]);
        assert_ok(single_write_parameter(single, i, inputs[2 + i]));
    }
    draw(0, results->counts[1], &inputs[0]);
    draw(1, results->counts[0], &inputs[1]);
    single_write_input(single, 0, 0, inputs[0]);
    single_write_output_gradient(single, 0, inputs[1]);
    for (int i = 0; i < RESULTS; i++) {
        assert_ok(memory_allocate((size_t)results->counts[i], sizeof(float), &results->values[i]));
    }
    assert_ok(single_run(single, 0, NULL, NULL));
    assert_ok(single_read_output(single, 0, results->values[0]));
    assert_ok(single_read_input_gradient(single, 0, 0, results->values[1]));
    for (int i = 0; i < 2; i++) {
        assert_ok(single_read_parameter_gradient(single, 0, 1, i, results->values[2 + i]));
    }
    for (int i = 0; i < RESULTS; i++) {
        free(inputs[i]);
    }
    single_destroy(single);
}

static void release(struct results *results)
{
    for (int i = 0; i < RESULTS; i++) {
        free(results->values[i]);
    }
}

static char *lower_alone(const struct layer_case *c, enum device_class class, const struct tuning *tuning)
{
    struct single *single;
    char *text;
    create(c, ENGINE_NULL, class, tuning, &single);
    print_dispatches(&single_program(single)->phases[0]->tape, &text);
    single_destroy(single);
    return text;
}

static void compare(const struct layer_case *c, enum device_class class, int field, const struct tuning *tuning,
                    const struct results *expected)
{
    struct results actual;
    run(c, class, tuning, &actual);
    for (int i = 0; i < RESULTS; i++) {
        if (memcmp(expected->values[i], actual.values[i], (size_t)expected->counts[i] * sizeof(float)) != 0) {
            fail_msg("%s (%s), %s: result %d has other bits with %s = %lld", c->type, c->options,
                     device_class_names[class], i, tuning_fields[field].name, (long long)tuning_get(tuning, field));
        }
    }
    release(&actual);
}

/* All candidates of a field; returns how many change the dispatches: where none does there is nothing to run. */
static int check_field(const struct layer_case *c, enum device_class class, int field, const struct results *expected)
{
    int different = 0;
    char *usual = lower_alone(c, class, NULL);
    for (int i = 0; i < tuning_fields[field].candidate_count; i++) {
        struct tuning tuning = *tuning_default(class);
        tuning_set(&tuning, field, tuning_fields[field].candidates[i]);
        char *tuned = lower_alone(c, class, &tuning);
        if (strcmp(usual, tuned) != 0) {
            different++;
            compare(c, class, field, &tuning, expected);
        }
        free(tuned);
    }
    free(usual);
    return different;
}

static void check_bits(enum device_class class)
{
    int different[TUNING_FIELD_COUNT] = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct results expected;
        run(&cases[i], class, NULL, &expected);
        for (int f = 0; f < TUNING_FIELD_COUNT; f++) {
            different[f] += tuning_fields[f].classes[class] ? check_field(&cases[i], class, f, &expected) : 0;
        }
        release(&expected);
    }
    for (int f = 0; f < TUNING_FIELD_COUNT; f++) {
        if (tuning_fields[f].classes[class] && different[f] == 0) {
            fail_msg("no case here is cut otherwise by %s (%s)", tuning_fields[f].name, device_class_names[class]);
        }
    }
}

static void tunings_of_cpus_give_the_same_bits(void **state)
{
    (void)state;
    check_bits(CLASS_CPU);
}

static void tunings_of_gpus_give_the_same_bits(void **state)
{
    (void)state;
    check_bits(CLASS_GPU);
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static void defaults_are_candidates(void **state)
{
    (void)state;
    for (int class = 0; class < CLASS_COUNT; class ++) {
        for (int f = 0; f < TUNING_FIELD_COUNT; f++) {
            int64_t value = tuning_get(tuning_default((enum device_class) class), f);
            assert_in_range(tuning_fields[f].candidate_count, 2, TUNING_MAX_CANDIDATES);
            assert_true(tuning_is_candidate(f, value));
            struct tuning tuning = {0};
            tuning_set(&tuning, f, value);
            assert_int_equal(tuning_get(&tuning, f), value);
        }
    }
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

static const struct device_info device = {
    .name = "A \"device\"", .vendor_id = 0x10005, .device_id = 7, .driver_version = 3, .driver_build = {1, 2, 0xfe}};

struct folder {
    char path[64];
    char *file;
    char *cache; /* XDG_CACHE_HOME as it was: Mesa's compiled kernels lie there */
};

static struct folder make_folder(void)
{
    struct folder folder = {.path = "/tmp/lemnos-tuning-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    const char *cache = getenv("XDG_CACHE_HOME");
    if (cache != NULL) {
        assert_ok(memory_copy_string(cache, &folder.cache));
    }
    assert_int_equal(setenv("XDG_CACHE_HOME", folder.path, 1), 0);
    assert_ok(tuning_file_path(&device, CLASS_CPU, &folder.file));
    return folder;
}

static void remove_folder(struct folder *folder)
{
    (void)unlink(folder->file);
    *strrchr(folder->file, '/') = '\0';
    (void)rmdir(folder->file);
    assert_int_equal(rmdir(folder->path), 0);
    free(folder->file);
    assert_int_equal(folder->cache != NULL ? setenv("XDG_CACHE_HOME", folder->cache, 1) : unsetenv("XDG_CACHE_HOME"),
                     0);
    free(folder->cache);
}

static struct tuning another(void)
{
    struct tuning tuning = *tuning_default(CLASS_CPU);
    tuning.cache_size = 1 << 20;
    tuning.col2im_chunk = 1 << 20;
    return tuning;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text;
    assert_ok(memory_allocate(1 << 16, 1, &text));
    text[fread(text, 1, (1 << 16) - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void write_file(const char *path, const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct folder folder = make_folder();
    struct tuning written = another();
    struct tuning found = *tuning_default(CLASS_CPU);
    assert_int_equal(tuning_file_read(folder.file, &device, CLASS_CPU, &found), STATUS_NOT_FOUND);
    assert_ok(tuning_file_write(folder.file, &device, CLASS_CPU, tuning_default(CLASS_CPU)));
    assert_ok(tuning_file_write(folder.file, &device, CLASS_CPU, &written));
    assert_ok(tuning_file_read(folder.file, &device, CLASS_CPU, &found));
    assert_memory_equal(&found, &written, sizeof found);
    found = tuning_file_find(&device, CLASS_CPU);
    assert_memory_equal(&found, &written, sizeof found);

    struct stat about;
    *strrchr(folder.file, '/') = '\0';
    assert_int_equal(stat(folder.file, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0700);
    folder.file[strlen(folder.file)] = '/';

    assert_int_equal(setenv("LEMNOS_TUNING", "off", 1), 0);
    found = tuning_file_find(&device, CLASS_CPU);
    assert_memory_equal(&found, tuning_default(CLASS_CPU), sizeof found);
    assert_int_equal(unsetenv("LEMNOS_TUNING"), 0);
    remove_folder(&folder);
}

static void other_devices_drivers_and_classes_are_refused(void **state)
{
    (void)state;
    struct folder folder = make_folder();
    struct tuning written = another();
    struct tuning found = *tuning_default(CLASS_CPU);
    assert_ok(tuning_file_write(folder.file, &device, CLASS_CPU, &written));
    struct device_info others[] = {device, device, device, device, device};
    others[0].name[2]++;
    others[1].vendor_id++;
    others[2].device_id++;
    others[3].driver_version++;
    others[4].driver_build[2]++;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_int_equal(tuning_file_read(folder.file, &others[i], CLASS_CPU, &found), STATUS_CORRUPT);
    }
    assert_int_equal(tuning_file_read(folder.file, &device, CLASS_GPU, &found), STATUS_CORRUPT);
    assert_memory_equal(&found, tuning_default(CLASS_CPU), sizeof found);
    char *path;
    assert_ok(tuning_file_path(&device, CLASS_GPU, &path));
    assert_string_not_equal(path, folder.file);
    free(path);
    remove_folder(&folder);
}

/* The file's text with `from` replaced by `to` must be refused. */
static void refuse_replaced(const struct folder *folder, const char *text, const char *from, const char *to)
{
    struct tuning found = *tuning_default(CLASS_CPU);
    const char *place = strstr(text, from);
    assert_non_null(place);
    char *changed;
    assert_ok(memory_format(&changed, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from)));
    write_file(folder->file, changed, strlen(changed));
    if (tuning_file_read(folder->file, &device, CLASS_CPU, &found) != STATUS_CORRUPT) {
        fail_msg("taken: %s", changed);
    }
    free(changed);
    found = tuning_file_find(&device, CLASS_CPU);
    assert_memory_equal(&found, tuning_default(CLASS_CPU), sizeof found);
}

static void values_that_are_no_candidates_are_refused(void **state)
{
    (void)state;
    struct folder folder = make_folder();
    struct tuning written = another();
    assert_ok(tuning_file_write(folder.file, &device, CLASS_CPU, &written));
    char *text = read_file(folder.file);
    static const char *const values[] = {"0", "1048577", "1048576.5", "-1048576", "1e300", "\"1048576\"", "null", "[]"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        refuse_replaced(&folder, text, "1048576", values[i]);
    }
    refuse_replaced(&folder, text, "cache_size", "cache_sizes");
    refuse_replaced(&folder, text, "\"tuning\"", "\"tunings\"");
    refuse_replaced(&folder, text, "\"kernels\":\t\"", "\"kernels\":\t\"0");
    refuse_replaced(&folder, text, "\"format\":\t1", "\"format\":\t2");
    free(text);
    remove_folder(&folder);
}

static void files_that_are_cut_or_something_else_are_refused(void **state)
{
    (void)state;
    struct folder folder = make_folder();
    struct tuning written = another();
    struct tuning found;
    assert_ok(tuning_file_write(folder.file, &device, CLASS_CPU, &written));
    char *text = read_file(folder.file);
    for (size_t size = 0; size < strlen(text); size++) {
        write_file(folder.file, text, size);
        assert_int_equal(tuning_file_read(folder.file, &device, CLASS_CPU, &found), STATUS_CORRUPT);
    }
    char *large;
    assert_ok(memory_allocate(1 << 20, 1, &large));
    memset(large, ' ', 1 << 20);
    write_file(folder.file, large, 1 << 20);
    assert_int_equal(tuning_file_read(folder.file, &device, CLASS_CPU, &found), STATUS_CORRUPT);
    free(large);
    free(text);
    assert_int_equal(unlink(folder.file), 0);
    assert_int_equal(mkdir(folder.file, 0700), 0);
    assert_int_equal(tuning_file_read(folder.file, &device, CLASS_CPU, &found), STATUS_CORRUPT);
    assert_int_equal(rmdir(folder.file), 0);
    remove_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_candidates),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(other_devices_drivers_and_classes_are_refused),
        cmocka_unit_test(values_that_are_no_candidates_are_refused),
        cmocka_unit_test(files_that_are_cut_or_something_else_are_refused),
        cmocka_unit_test(tunings_of_cpus_give_the_same_bits),
        cmocka_unit_test(tunings_of_gpus_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
