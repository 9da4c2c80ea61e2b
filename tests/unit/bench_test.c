/* What lemnos bench reports: that it is whole and adds up, never how fast anything was. */
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "base/memory.h"
#include "bench/kernels_report.h"
#include "bench/workload_report.h"

static const struct engine_params engine = {
    .kind = ENGINE_VULKAN, .device = -1, .local_size = 1, .share_device = true, .device_class = -1};

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static void best_and_median_of_rounds(void **state)
{
    (void)state;
    double one[] = {5};
    double odd[] = {9, 1, 4};
    double even[] = {8, 2, 6, 3};
    struct measured measured = measure_summary(one, 1);
    assert_true(measured.best == 5 && measured.median == 5);
    measured = measure_summary(odd, 3);
    assert_true(measured.best == 1 && measured.median == 4);
    measured = measure_summary(even, 4);
    assert_true(measured.best == 2 && measured.median == 4.5);
}

/* --- kernels ------------------------------------------------------------------------------------------------------ */

enum { KEPT = 64 };

struct kept {
    struct bench_result results[KEPT];
    int count;
    struct bench_peaks peaks;
};

static void keep_begin(void *context, const struct device_info *device, enum device_class device_class,
                       const struct bench_peaks *peaks)
{
    struct kept *kept = context;
    assert_true(device->name[0] != '\0');
    assert_in_range(device_class, 0, CLASS_COUNT - 1);
    kept->peaks = *peaks;
}

static void keep(void *context, const struct bench_result *result)
{
    struct kept *kept = context;
    assert_true(kept->count < KEPT);
    kept->results[kept->count++] = *result;
}

static struct kept measure_tiny(const char *only)
{
    struct kept kept = {0};
    struct bench_kernels_params params = {.engine = engine, .only = only, .rounds = 1, .tiny = true};
    struct bench_report report = {.begin = keep_begin, .add = keep, .context = &kept};
    assert_ok(bench_kernels(&params, &report));
    return kept;
}

static void a_product_has_three_parts_of_equal_work(void **state)
{
    (void)state;
    struct kept kept = measure_tiny("matmul 128 x 512 x 768");
    assert_int_equal(kept.count, 1);
    const struct bench_result *result = &kept.results[0];
    static const char *const names[] = {"forward", "to data", "to weights"};
    assert_int_equal(result->part_count, 3);
    for (int i = 0; i < 3; i++) {
        const struct bench_part *part = &result->parts[i];
        assert_string_equal(part->name, names[i]);
        assert_true(part->dispatches > 0);
        assert_true(part->flops == 2.0 * (double)result->samples * 512 * 768);
        /* Two operands and a result. */
        double floats = 512.0 * 768 + (double)result->samples * (512 + 768);
        assert_true(part->bytes >= 4 * floats && part->bytes < 4.2 * floats);
        assert_true(isfinite(part->measured.best) && part->measured.best <= part->measured.median);
        assert_true(part->seconds_at_peak >= part->flops / kept.peaks.flops);
        assert_true(part->seconds_at_peak >= part->bytes / kept.peaks.bytes);
    }
}

static void bytes_are_what_goes_in_and_out(void **state)
{
    (void)state;
    struct kept kept = measure_tiny("relu");
    assert_int_equal(kept.count, 1);
    double tensor = (double)kept.results[0].samples * 64 * 56 * 56 * 4;
    assert_int_equal(kept.results[0].part_count, 2);
    assert_true(kept.results[0].parts[0].bytes == 2 * tensor);
    assert_true(kept.results[0].parts[1].bytes == 3 * tensor);
}

/* With a stride, the gradient of the data takes as many products as the forward pass. */
static void work_of_strided_convolutions_is_not_counted_with_gaps(void **state)
{
    (void)state;
    struct kept kept = measure_tiny("conv2d 3x3 stride 2");
    assert_int_equal(kept.count, 1);
    double flops = 2.0 * (double)kept.results[0].samples * 28 * 28 * 128 * 9 * 64;
    assert_int_equal(kept.results[0].part_count, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(fabs(kept.results[0].parts[i].flops / flops - 1.0) < 1e-9);
    }
}

static const cJSON *get(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (item == NULL) {
        fail_msg("%s is missing in %s", name, cJSON_Print(object));
    }
    return item;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = get(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void check_case(const cJSON *json, const struct bench_case *of)
{
    static const char *const measures[] = {"dispatches",
                                           "seconds_best",
                                           "seconds_median",
                                           "gflops_best",
                                           "gflops_median",
                                           "gigabytes_per_second_best",
                                           "gigabytes_per_second_median",
                                           "of_peak"};
    assert_string_equal(get(json, "name")->valuestring, of->name);
    assert_string_equal(get(json, "layer")->valuestring, of->layer);
    assert_int_equal(cJSON_GetArraySize(get(json, "inputs")), of->input_count);
    for (int i = 0; i < of->input_count; i++) {
        assert_int_equal(cJSON_GetArraySize(cJSON_GetArrayItem(get(json, "inputs"), i)), of->inputs[i].rank);
    }
    const cJSON *part;
    int parts = 0;
    cJSON_ArrayForEach(part, get(json, "parts"))
    {
        parts++;
        assert_non_null(get(part, "part")->valuestring);
        for (size_t i = 0; i < COUNT_OF(measures); i++) {
            assert_true(number(part, measures[i]) >= 0);
        }
    }
    assert_in_range(parts, 1, BENCH_MAX_PARTS);
}

static cJSON *report_kernels(const char *only)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    struct kernels_report *report;
    assert_ok(kernels_report_create(file, true, 1, &report));
    struct bench_report handlers = kernels_report_handlers(report);
    struct bench_kernels_params params = {.engine = engine, .only = only, .rounds = 1, .tiny = true};
    assert_ok(bench_kernels(&params, &handlers));
    assert_ok(kernels_report_finish(report));
    kernels_report_destroy(report);
    assert_int_equal(fclose(file), 0);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    free(text);
    return json;
}

static void every_case_runs_and_is_reported(void **state)
{
    (void)state;
    cJSON *json = report_kernels(NULL);
    assert_true(number(json, "peak_gflops") > 0);
    assert_true(number(json, "peak_gigabytes_per_second") > 0);
    assert_true(number(json, "rounds") == 1);
    assert_non_null(get(json, "device")->valuestring);
    assert_non_null(get(json, "class")->valuestring);
    int count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, get(json, "cases"))
    {
        check_case(item, &bench_cases[count++]);
    }
    assert_null(bench_cases[count].name);
    cJSON_Delete(json);
}

static void options_are_reported_with_their_defaults(void **state)
{
    (void)state;
    cJSON *json = report_kernels("conv2d 5x5 one channel");
    const cJSON *options = get(cJSON_GetArrayItem(get(json, "cases"), 0), "options");
    assert_string_equal(get(options, "channels")->valuestring, "20");
    assert_non_null(strstr(get(options, "kernel")->valuestring, "5"));
    assert_non_null(get(options, "bias"));
    cJSON_Delete(json);
}

/* --- training ----------------------------------------------------------------------------------------------------- */

static const char small_config[] = "[run]\nname = bench\nbatch = 8\n"
                                   "[data]\nsource = synthetic\nshape = 2x6x6\nclasses = 3\n"
                                   "[layer conv]\ntype = conv2d\nchannels = 4\nkernel = 3\nbias = no\n"
                                   "[layer norm]\ntype = batch_norm\n"
                                   "[layer flatten]\ntype = flatten\n"
                                   "[layer head]\ntype = linear\n"
                                   "[optimizer]\ntype = sgd\nlearning_rate = 0.1\n";

static struct workload_result run_workload(struct comm *comm)
{
    struct config *config;
    assert_ok(config_parse("bench.ini", small_config, NULL, 0, &config));
    struct workload_params params = {.comm = comm, .config = config, .steps = 2};
    struct workload_result result;
    assert_ok(workload_run(&params, &result));
    config_destroy(config);
    return result;
}

static const struct workload_layer *find_layer(const struct workload_result *result, const char *name, enum pass pass)
{
    for (int i = 0; i < result->layer_count; i++) {
        if (strcmp(result->layers[i].name, name) == 0 && result->layers[i].pass == pass) {
            return &result->layers[i];
        }
    }
    fail_msg("%s is missing", name);
    return NULL;
}

static void a_step_is_told_layer_by_layer(void **state)
{
    struct workload_result result = run_workload(*state);
    assert_int_equal(result.ranks, 1);
    assert_int_equal(result.batch, 8);
    assert_int_equal(result.steps, 2);
    assert_true(result.step.best > 0 && result.step.best <= result.step.median);
    assert_true(result.times.gradients > 0 && result.times.update > 0);
    assert_true(result.resident > 0 && result.device_memory > 0);
    /* 8 samples, 4 x 4 outputs of 4 channels, 3 x 3 x 2 products each; the first layer's data need no gradient. */
    const double products = 8.0 * 16 * 4 * 18;
    assert_true(find_layer(&result, "conv", PASS_FORWARD)->flops == 2 * products);
    assert_true(find_layer(&result, "conv", PASS_BACKWARD)->flops == 2 * products);
    assert_string_equal(find_layer(&result, "norm", PASS_BACKWARD)->type, "batch_norm");
    assert_true(find_layer(&result, "(update)", PASS_UPDATE)->dispatches > 0);
    int dispatches = 0;
    double seconds = 0;
    for (int i = 0; i < result.layer_count; i++) {
        dispatches += result.layers[i].dispatches;
        seconds += result.layers[i].seconds;
    }
    assert_int_equal(dispatches, result.dispatches);
    assert_true(fabs(seconds - result.device_seconds) <= 1e-9 * seconds);
    workload_release(&result);
}

static void a_workload_is_reported(void **state)
{
    static const char *const host[] = {
        "loader", "gradients", "sums", "update", "parameters", "exposed_communication", "adding_gradients"};
    static const char *const plain[] = {"ranks",
                                        "batch",
                                        "steps",
                                        "step_seconds_best",
                                        "step_seconds_median",
                                        "samples_per_second_best",
                                        "samples_per_second_median",
                                        "dispatches",
                                        "device_seconds"};
    struct workload_result result = run_workload(*state);
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_ok(workload_report(&result, true, file));
    assert_int_equal(fclose(file), 0);
    cJSON *json = cJSON_Parse(text);
    assert_non_null(json);
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        assert_true(number(json, plain[i]) > 0);
    }
    for (size_t i = 0; i < COUNT_OF(host); i++) {
        assert_true(number(get(json, "host_seconds"), host[i]) >= 0);
    }
    assert_true(number(get(json, "memory_bytes"), "parameters") > 0);
    assert_true(number(get(json, "memory_bytes"), "resident_peak") > 0);
    assert_int_equal(cJSON_GetArraySize(get(json, "layers")), result.layer_count);
    assert_true(number(cJSON_GetArrayItem(get(json, "layers"), 0), "flops") > 0);
    assert_string_equal(get(cJSON_GetArrayItem(get(json, "layers"), 0), "pass")->valuestring, "forward");
    cJSON_Delete(json);
    free(text);
    workload_release(&result);
}

static int start(void **state)
{
    struct comm *comm;
    log_set_level(LOG_WARNING);
    if (comm_create(&comm) != STATUS_OK) {
        return 1;
    }
    *state = comm;
    return 0;
}

static int end(void **state)
{
    comm_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(best_and_median_of_rounds),
        cmocka_unit_test(a_product_has_three_parts_of_equal_work),
        cmocka_unit_test(bytes_are_what_goes_in_and_out),
        cmocka_unit_test(work_of_strided_convolutions_is_not_counted_with_gaps),
        cmocka_unit_test(every_case_runs_and_is_reported),
        cmocka_unit_test(options_are_reported_with_their_defaults),
        cmocka_unit_test(a_step_is_told_layer_by_layer),
        cmocka_unit_test(a_workload_is_reported),
    };
    return cmocka_run_group_tests(tests, start, end);
}
