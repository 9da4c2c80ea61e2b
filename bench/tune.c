#include "bench/tune.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/memory.h"
#include "bench/layer.h"
#include "bench/measure.h"
#include "compute/matrix_probe.h"

enum { MAX_CASES = 3, FEWEST_ROUNDS = 3 };
/* A layer with all candidates of a field is measured for no longer, once it had the fewest rounds. */
static const double seconds_allowed = 6.0;
/* What a candidate must win: less is noise. */
static const double MARGIN = 0.97;

/* Layers of bench/cases.c that the field matters for. */
static const struct {
    const char *field;
    const char *cases[MAX_CASES];
} measured_by[] = {
    {"cache_size", {"matmul 1024 x 1024 x 1024", "matmul 12544 x 64 x 576", "conv2d 1x1"}},
    {"col2im_chunk", {"conv2d 5x5", "conv2d 3x3 stride 2"}},
    {"common_tile", {"matmul 1024 x 1024 x 1024", "matmul 128 x 512 x 768", "conv2d 1x1"}},
    {"large_tile", {"matmul 12544 x 64 x 576", "conv2d 3x3 few pixels"}},
    {"narrow_tile", {"conv2d 5x5 one channel"}},
    {"winograd_chunk", {"conv2d 3x3", "conv2d 3x3 few pixels"}},
};

/* Too few rows to be of interest elsewhere: an odd number of low tiles. */
static const struct bench_case few_rows = {.name = "matmul 48 x 512 x 512",
                                           .layer = "linear",
                                           .options = "features = 512\nbias = no",
                                           .inputs = {{.rank = 1, .dim = {512}}},
                                           .input_count = 1,
                                           .samples = 48};

static enum status find_case(const char *name, const struct bench_case **found)
{
    *found = &few_rows;
    if (strcmp(name, few_rows.name) == 0) {
        return STATUS_OK;
    }
    for (const struct bench_case *of = bench_cases; of->name != NULL; of++) {
        if (strcmp(of->name, name) == 0) {
            *found = of;
            return STATUS_OK;
        }
    }
    return fail(STATUS_FAILED, "there is no case \"%s\" to tune with", name);
}

/* --- a layer with one candidate ----------------------------------------------------------------------------------- */

struct trial {
    struct single *single;
    double best; /* seconds */
    uint8_t bits[DIGEST_SIZE];
};

static enum status add_array(struct digest *digest, const float *values, int64_t count)
{
    return digest_add(digest, values, (size_t)count * sizeof *values);
}

/* All that the layer computes: output, gradient of the input, gradients of parameters. */
static enum status digest_results(struct single *single, const struct bench_case *of, int64_t samples,
                                  uint8_t bits[DIGEST_SIZE])
{
    const struct layer *layer = single_layer(single);
    int64_t outputs = samples * shape_count(single_output_shape(single));
    int64_t inputs = samples * shape_count(of->inputs[0]);
    int64_t largest = outputs > inputs ? outputs : inputs;
    for (int i = 0; i < layer->parameter_count; i++) {
        int64_t count = parameter_count(single_parameter(single, i));
        largest = count > largest ? count : largest;
    }
    struct digest *digest = NULL;
    float *values = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)largest, sizeof *values, &values));
    TRY_OUT(digest_create(&digest));
    TRY_OUT(single_read_output(single, 0, values));
    TRY_OUT(add_array(digest, values, outputs));
    TRY_OUT(single_read_input_gradient(single, 0, 0, values));
    TRY_OUT(add_array(digest, values, inputs));
    for (int i = 0; i < layer->parameter_count; i++) {
        TRY_OUT(single_read_parameter_gradient(single, 0, 1, i, values));
        TRY_OUT(add_array(digest, values, parameter_count(single_parameter(single, i))));
    }
    status = digest_finish(digest, bits);
out:
    digest_destroy(digest);
    free(values);
    return status;
}

static enum status open_trial(const struct tune_params *params, const struct tuning *tuning,
                              const struct bench_case *of, struct trial *trial)
{
    int64_t samples = params->tiny ? BENCH_TINY_SAMPLES : of->samples;
    struct engine_params engine = params->engine;
    engine.tuning = tuning;
    *trial = (struct trial){.best = DBL_MAX};
    TRY(bench_layer_create(&engine, of, samples, &trial->single));
    /* Also warms up. */
    TRY(single_run(trial->single, 0, NULL, NULL));
    return digest_results(trial->single, of, samples, trial->bits);
}

static enum status run_round(struct trial *trials, int count)
{
    for (int i = 0; i < count; i++) {
        double started = clock_now();
        TRY(measure_run(single_engine(trials[i].single), 0));
        double seconds = clock_now() - started;
        trials[i].best = seconds < trials[i].best ? seconds : trials[i].best;
    }
    return STATUS_OK;
}

/* --- a field ------------------------------------------------------------------------------------------------------ */

/*
 * The layer with every candidate, in turn. `ratios` gets each one's time by the present one's, added to what it holds.
 */
static enum status measure_case(const struct tune_params *params, const struct tuning *tuning,
                                const struct bench_case *of, int present, struct tune_field *field, double *ratios)
{
    struct trial trials[TUNING_MAX_CANDIDATES] = {0};
    enum status status = STATUS_OK;
    for (int i = 0; i < field->candidate_count; i++) {
        struct tuning candidate = *tuning;
        tuning_set(&candidate, field->field, field->candidates[i].value);
        TRY_OUT(open_trial(params, &candidate, of, &trials[i]));
    }
    double started = clock_now();
    for (int i = 0; i < params->rounds && (i < FEWEST_ROUNDS || clock_now() - started < seconds_allowed); i++) {
        TRY_OUT(run_round(trials, field->candidate_count));
    }
    for (int i = 0; i < field->candidate_count; i++) {
        field->candidates[i].seconds += trials[i].best;
        ratios[i] += trials[i].best / trials[present].best;
        if (memcmp(trials[i].bits, trials[present].bits, DIGEST_SIZE) != 0) {
            field->candidates[i].same_bits = false;
        }
    }
out:
    for (int i = 0; i < field->candidate_count; i++) {
        single_destroy(trials[i].single);
    }
    return status;
}

static enum status measure_field(const struct tune_params *params, const struct tuning *tuning,
                                 struct tune_field *field)
{
    const struct tuning_field *about = &tuning_fields[field->field];
    double ratios[TUNING_MAX_CANDIDATES] = {0};
    int present = 0;
    field->candidate_count = about->candidate_count;
    for (int i = 0; i < about->candidate_count; i++) {
        field->candidates[i] = (struct tune_candidate){.value = about->candidates[i], .same_bits = true};
        present = about->candidates[i] == tuning_get(tuning, field->field) ? i : present;
    }
    int case_count = 0;
    for (size_t i = 0; i < COUNT_OF(measured_by); i++) {
        bool is_field = strcmp(measured_by[i].field, about->name) == 0;
        for (int c = 0; is_field && c < MAX_CASES && measured_by[i].cases[c] != NULL; c++) {
            const struct bench_case *of;
            TRY(find_case(measured_by[i].cases[c], &of));
            TRY(measure_case(params, tuning, of, present, field, ratios));
            case_count++;
        }
    }
    field->chosen = present;
    double least = MARGIN * case_count;
    for (int i = 0; i < field->candidate_count; i++) {
        if (field->candidates[i].same_bits && ratios[i] < least) {
            field->chosen = i;
            least = ratios[i];
        }
    }
    return STATUS_OK;
}

/* Settles the class of kernels for all that is measured. */
static enum status begin(struct tune_params *params, const struct tune_report *report, enum device_class *device_class)
{
    struct engine *engine;
    TRY(matrix_probe_create(&params->engine, &engine));
    *device_class = engine_class(engine);
    params->engine.device_class = (int)*device_class;
    report->begin(report->context, engine_device(engine), *device_class);
    engine_destroy(engine);
    return STATUS_OK;
}

enum status bench_tune(const struct tune_params *given, const struct tune_report *report, struct tuning *tuning)
{
    struct tune_params params = *given;
    enum device_class device_class;
    TRY(begin(&params, report, &device_class));
    *tuning = *tuning_default(device_class);
    for (int i = 0; i < TUNING_FIELD_COUNT; i++) {
        if (!tuning_fields[i].classes[device_class]) {
            continue;
        }
        struct tune_field field = {.field = i};
        TRY(measure_field(&params, tuning, &field));
        tuning_set(tuning, i, field.candidates[field.chosen].value);
        report->add(report->context, &field);
    }
    return STATUS_OK;
}
