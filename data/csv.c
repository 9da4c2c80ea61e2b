/* Tables in text files: numbers (and categories) as features, one column as the target. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/csv_reading.h"
#include "data/saved.h"
#include "data/source.h"

static const char *const delimiter_names[] = {"comma", "semicolon", "tab", "bar", NULL};
static const char delimiters[] = {',', ';', '\t', '|'};
static const char *const missing_names[] = {
    [MISSING_ERROR] = "error", [MISSING_DROP] = "drop", [MISSING_MEAN] = "mean", NULL};
static const char *const task_names[] = {
    [TASK_REGRESSION] = "regression", [TASK_CLASSIFICATION] = "classification", NULL};

static const struct option options[] = {
    {.name = "path",
     .type = OPTION_STRING,
     .offset = offsetof(struct csv_options, path),
     .help = "the table: a text file with a line of names, plain or .gz"},
    {.name = "target",
     .type = OPTION_STRING,
     .offset = offsetof(struct csv_options, target),
     .help = "the column to predict"},
    {.name = "task",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct csv_options, task),
     .fallback = "regression",
     .choices = task_names,
     .help = "predict a number, or a class (whole numbers or text)"},
    {.name = "features",
     .type = OPTION_STRING,
     .offset = offsetof(struct csv_options, features),
     .fallback = "",
     .help =
         "columns to predict from, separated by commas; a column of text gives one input for each of its categories. "
         "Empty: all columns of numbers"},
    {.name = "delimiter",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct csv_options, delimiter),
     .fallback = "comma",
     .choices = delimiter_names,
     .help = "what stands between two cells"},
    {.name = "missing",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct csv_options, missing),
     .fallback = "error",
     .choices = missing_names,
     .help = "cells that are empty, ?, NA or NaN: refuse the file, drop the row, or put the column's mean over the "
             "training part (rows without a target are dropped then, and a text cell is none of its categories)"},
    {.name = "test_fraction",
     .type = OPTION_FLOAT,
     .offset = offsetof(struct csv_options, test_fraction),
     .fallback = "0.2",
     .min = 0,
     .max = 0.9,
     .help = "this share of the rows, drawn by seed, is for testing; 0: test on the training part itself"},
    {.name = "test_path",
     .type = OPTION_STRING,
     .offset = offsetof(struct csv_options, test_path),
     .fallback = "",
     .help = "a table of its own for testing, instead of test_fraction"},
    {.name = "normalize",
     .type = OPTION_BOOL,
     .offset = offsetof(struct csv_options, normalize),
     .fallback = "yes",
     .help =
         "bring number columns (and the target of a regression) to mean 0 and standard deviation 1 over the training "
         "part; results are shown in the table's units all the same"},
    {.name = "seed",
     .type = OPTION_INT,
     .offset = offsetof(struct csv_options, seed),
     .fallback = "0",
     .min = 0,
     .max = INFINITY,
     .help = "another seed draws other rows for testing; run.seed does not change them"},
    OPTIONS_END,
};

enum { MAX_ARRAYS = 4 };

struct csv_state {
    struct csv_numbers numbers;   /* only the columns are kept once all is open */
    float *features[SPLIT_COUNT]; /* normalised, the stride of a sample as in memory (base/shape.h) */
    float *targets[SPLIT_COUNT];  /* of a regression */
    int32_t *labels[SPLIT_COUNT]; /* of a classification */
    float *mean, *deviation;      /* by channel */
    float target_mean, target_deviation;
    struct array arrays[MAX_ARRAYS];
    size_t array_count;
    struct text_entry text; /* "data/columns" */
};

/* Mean and standard deviation of the known ones of `count` values that lie `stride` apart. */
static void measure(const double *values, int64_t count, int64_t stride, float *mean, float *deviation)
{
    double sum = 0.0;
    double known = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double value = values[i * stride];
        if (!isnan(value)) {
            sum += value;
            known += 1.0;
        }
    }
    double middle = known > 0.0 ? sum / known : 0.0;
    double squares = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double distance = values[i * stride] - middle;
        if (!isnan(distance)) {
            squares += distance * distance;
        }
    }
    *mean = (float)middle;
    *deviation = known > 0.0 ? (float)sqrt(squares / known) : 0.0F;
    /* A constant column says nothing, and must not divide by zero; nor by what rounding left of it. */
    if (!(*deviation > 1e-6F * fabsf(*mean))) {
        *deviation = 1.0F;
    }
}

static enum status learn_scales(struct csv_state *state, const struct csv_options *given)
{
    const struct columns *columns = &state->numbers.columns;
    const struct csv_part *train = &state->numbers.parts[SPLIT_TRAIN];
    for (size_t i = 0; i < columns->feature_count; i++) {
        const struct column *column = &columns->features[i];
        for (int64_t channel = column->first; channel < column->first + column->channels; channel++) {
            state->deviation[channel] = 1.0F;
            if (column->text) {
                continue;
            }
            /* Without normalisation the mean still stands for missing values. */
            float deviation;
            measure(train->features + channel, train->count, columns->channels, &state->mean[channel], &deviation);
            state->deviation[channel] = given->normalize ? deviation : 1.0F;
        }
    }
    state->target_deviation = 1.0F;
    if (given->normalize && !columns->target.text) {
        measure(train->targets, train->count, 1, &state->target_mean, &state->target_deviation);
    }
    for (int64_t channel = 0; channel < columns->channels; channel++) {
        if (!isfinite(state->mean[channel]) || !isfinite(state->deviation[channel])) {
            return fail(STATUS_BAD_INPUT, "the features are too large for single precision");
        }
    }
    if (!isfinite(state->target_mean) || !isfinite(state->target_deviation)) {
        return fail(STATUS_BAD_INPUT, "the target is too large for single precision");
    }
    return STATUS_OK;
}

static enum status restore_scales(struct csv_state *state, const struct checkpoint *saved)
{
    int64_t channels = state->numbers.columns.channels;
    TRY(saved_floats(saved, "data/feature_mean", channels, state->mean));
    TRY(saved_scales(saved, "data/feature_std", channels, state->deviation));
    if (!state->numbers.columns.target.text) {
        TRY(saved_floats(saved, "data/target_mean", 1, &state->target_mean));
        TRY(saved_scales(saved, "data/target_std", 1, &state->target_deviation));
    }
    return STATUS_OK;
}

/* One number as the network sees it. */
static float normalised(double value, float mean, float deviation)
{
    return (float)((value - (double)mean) / (double)deviation);
}

static enum status store_part(struct csv_state *state, enum split split, bool normalize, int64_t stride)
{
    const struct csv_part *part = &state->numbers.parts[split];
    int64_t channels = state->numbers.columns.channels;
    TRY(memory_allocate((size_t)part->count, (size_t)stride * sizeof(float), &state->features[split]));
    for (int64_t i = 0; i < part->count; i++) {
        for (int64_t channel = 0; channel < channels; channel++) {
            double value = part->features[i * channels + channel];
            float mean = state->mean[channel];
            value = isnan(value) ? (double)mean : value;
            state->features[split][i * stride + channel] =
                normalize ? normalised(value, mean, state->deviation[channel]) : (float)value;
        }
    }
    if (state->numbers.columns.target.text) {
        TRY(memory_allocate((size_t)part->count, sizeof(int32_t), &state->labels[split]));
        for (int64_t i = 0; i < part->count; i++) {
            state->labels[split][i] = (int32_t)part->targets[i];
        }
        return STATUS_OK;
    }
    TRY(memory_allocate((size_t)part->count, sizeof(float), &state->targets[split]));
    for (int64_t i = 0; i < part->count; i++) {
        state->targets[split][i] = normalised(part->targets[i], state->target_mean, state->target_deviation);
    }
    return STATUS_OK;
}

/* Values beyond single precision would train to nothing. */
static enum status check_finite(const struct csv_state *state, enum split split, int64_t stride)
{
    int64_t count = state->numbers.parts[split].count;
    bool finite = true;
    for (int64_t i = 0; i < count * stride; i++) {
        finite = finite && isfinite(state->features[split][i]);
    }
    for (int64_t i = 0; state->targets[split] != NULL && i < count; i++) {
        finite = finite && isfinite(state->targets[split][i]);
    }
    return finite ? STATUS_OK : fail(STATUS_BAD_INPUT, "the table holds numbers too large for single precision");
}

static enum status describe(struct dataset *dataset, struct csv_state *state)
{
    struct columns *columns = &state->numbers.columns;
    dataset->fields[0] =
        (struct field){.name = "features", .dtype = DTYPE_FLOAT32, .shape = shape_vector(columns->channels)};
    dataset->field_count = 2;
    state->arrays[state->array_count++] = saved_vector("data/feature_mean", columns->channels, state->mean);
    state->arrays[state->array_count++] = saved_vector("data/feature_std", columns->channels, state->deviation);
    if (columns->target.text) {
        dataset->fields[1] = (struct field){.name = "label", .dtype = DTYPE_INT32, .shape = shape_scalar()};
        dataset->classes = (int64_t)columns->target.category_count;
        dataset->class_names = (const char *const *)columns->target.categories;
    } else {
        dataset->fields[1] = (struct field){.name = "target", .dtype = DTYPE_FLOAT32, .shape = shape_vector(1)};
        dataset->target_scale = &state->target_deviation;
        dataset->target_offset = &state->target_mean;
        state->arrays[state->array_count++] = saved_vector("data/target_mean", 1, &state->target_mean);
        state->arrays[state->array_count++] = saved_vector("data/target_std", 1, &state->target_deviation);
    }
    state->text.path = "data/columns";
    return columns_format(columns, &state->text.text);
}

static enum status digest_content(const struct csv_state *state, const struct csv_options *given,
                                  uint8_t result[DIGEST_SIZE])
{
    char parameters[160];
    int length =
        snprintf(parameters, sizeof parameters, "csv: %d %d %a %d %d %" PRId64 " %d", given->delimiter, given->missing,
                 given->test_fraction, given->task, given->normalize, given->seed, state->numbers.test_is_train);
    struct digest *digest;
    TRY(digest_create(&digest));
    enum status status;
    TRY_OUT(digest_add(digest, parameters, (size_t)length));
    TRY_OUT(digest_add(digest, state->numbers.digests, sizeof state->numbers.digests));
    TRY_OUT(digest_add(digest, state->text.text, strlen(state->text.text)));
    for (size_t i = 0; i < state->array_count; i++) {
        TRY_OUT(digest_add(digest, state->arrays[i].data, (size_t)state->arrays[i].dim[0] * sizeof(float)));
    }
    TRY_OUT(digest_finish(digest, result));
out:
    digest_destroy(digest);
    return status;
}

static enum status csv_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    const struct csv_options *given = values;
    struct csv_state *state;
    TRY(memory_allocate(1, sizeof *state, &state));
    dataset->state = state;
    struct csv_numbers *numbers = &state->numbers;
    TRY(csv_numbers_read(numbers, given, delimiters[given->delimiter], saved));
    size_t channels = (size_t)numbers->columns.channels;
    TRY(memory_allocate(channels, sizeof *state->mean, &state->mean));
    TRY(memory_allocate(channels, sizeof *state->deviation, &state->deviation));
    TRY(saved != NULL ? restore_scales(state, saved) : learn_scales(state, given));
    TRY(describe(dataset, state));
    int64_t stride = shape_stride(dataset->fields[0].shape);
    for (int split = 0; split < SPLIT_COUNT; split++) {
        if (split == SPLIT_TEST && numbers->test_is_train) {
            dataset->count[split] = dataset->count[SPLIT_TRAIN];
            continue;
        }
        TRY(store_part(state, (enum split)split, given->normalize, stride));
        TRY(check_finite(state, (enum split)split, stride));
        dataset->count[split] = numbers->parts[split].count;
        free(numbers->parts[split].features);
        free(numbers->parts[split].targets);
        numbers->parts[split] = (struct csv_part){0};
    }
    return digest_content(state, given, dataset->digest);
}

static void csv_close(struct dataset *dataset)
{
    struct csv_state *state = dataset->state;
    if (state == NULL) {
        return;
    }
    for (int split = 0; split < SPLIT_COUNT; split++) {
        free(state->features[split]);
        free(state->targets[split]);
        free(state->labels[split]);
    }
    free(state->mean);
    free(state->deviation);
    free(state->text.text);
    csv_numbers_release(&state->numbers);
    free(state);
}

static enum status csv_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                            void *const fields[])
{
    (void)epoch;
    const struct csv_state *state = dataset->state;
    split = state->numbers.test_is_train ? SPLIT_TRAIN : split;
    int64_t stride = shape_stride(dataset->fields[0].shape);
    memcpy(fields[0], state->features[split] + index * stride, (size_t)stride * sizeof(float));
    if (state->labels[split] != NULL) {
        memcpy(fields[1], state->labels[split] + index, sizeof(int32_t));
        return STATUS_OK;
    }
    float *target = fields[1];
    memset(target, 0, (size_t)shape_stride(dataset->fields[1].shape) * sizeof(float));
    target[0] = state->targets[split][index];
    return STATUS_OK;
}

static void csv_save(const struct dataset *dataset, struct dataset_state *saved)
{
    const struct csv_state *state = dataset->state;
    saved->arrays = state->arrays;
    saved->array_count = state->array_count;
    saved->texts = &state->text;
    saved->text_count = 1;
}

const struct dataset_type dataset_csv = {
    .name = "csv",
    .help = "a table in a text file: predict one column from others",
    .options = options,
    .options_size = sizeof(struct csv_options),
    .open = csv_open,
    .close = csv_close,
    .read = csv_read,
    .state = csv_save,
};
