/* The textbook's straight line: x = 1, 2, 3 ... and y = slope * x + intercept. Its test split is the same samples. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/saved.h"
#include "data/source.h"

struct line_options {
    int64_t count;
    double slope, intercept;
    bool normalize;
};

static const struct option options[] = {
    {.name = "count",
     .type = OPTION_INT,
     .offset = offsetof(struct line_options, count),
     .fallback = "5",
     .min = 1,
     .max = 1e6,
     .help = "samples: x = 1 .. count"},
    {.name = "slope",
     .type = OPTION_FLOAT,
     .offset = offsetof(struct line_options, slope),
     .fallback = "100",
     .help = "y grows by this much from one x to the next"},
    {.name = "intercept",
     .type = OPTION_FLOAT,
     .offset = offsetof(struct line_options, intercept),
     .fallback = "0",
     .help = "y at x = 0"},
    {.name = "normalize",
     .type = OPTION_BOOL,
     .offset = offsetof(struct line_options, normalize),
     .fallback = "no",
     .help = "bring x and y to mean 0 and standard deviation 1; no: they are given plainly"},
    OPTIONS_END,
};

enum { ARRAYS = 4 };

struct line_state {
    struct line_options given;
    float feature_mean, feature_deviation;
    float target_mean, target_deviation;
    struct array arrays[ARRAYS];
};

/* Mean and standard deviation of start + step * x for x = 1 .. count. */
static void line_statistics(double step, double start, int64_t count, float *mean, float *deviation)
{
    double n = (double)count;
    *mean = (float)(start + step * (n + 1.0) / 2.0);
    *deviation = (float)(fabs(step) * sqrt((n * n - 1.0) / 12.0));
    if (!(*deviation > 0.0F)) {
        *deviation = 1.0F;
    }
}

static enum status learn(struct line_state *line, const struct checkpoint *saved)
{
    if (saved != NULL) {
        TRY(saved_floats(saved, "data/feature_mean", 1, &line->feature_mean));
        TRY(saved_scales(saved, "data/feature_std", 1, &line->feature_deviation));
        TRY(saved_floats(saved, "data/target_mean", 1, &line->target_mean));
        return saved_scales(saved, "data/target_std", 1, &line->target_deviation);
    }
    line->feature_deviation = 1.0F;
    line->target_deviation = 1.0F;
    if (line->given.normalize) {
        line_statistics(1.0, 0.0, line->given.count, &line->feature_mean, &line->feature_deviation);
        line_statistics(line->given.slope, line->given.intercept, line->given.count, &line->target_mean,
                        &line->target_deviation);
    }
    return STATUS_OK;
}

static enum status line_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    struct line_state *line;
    TRY(memory_allocate(1, sizeof *line, &line));
    dataset->state = line;
    memcpy(&line->given, values, sizeof line->given);
    TRY(learn(line, saved));
    line->arrays[0] = saved_vector("data/feature_mean", 1, &line->feature_mean);
    line->arrays[1] = saved_vector("data/feature_std", 1, &line->feature_deviation);
    line->arrays[2] = saved_vector("data/target_mean", 1, &line->target_mean);
    line->arrays[3] = saved_vector("data/target_std", 1, &line->target_deviation);

    dataset->fields[0] = (struct field){.name = "features", .dtype = DTYPE_FLOAT32, .shape = shape_vector(1)};
    dataset->fields[1] = (struct field){.name = "target", .dtype = DTYPE_FLOAT32, .shape = shape_vector(1)};
    dataset->field_count = 2;
    dataset->count[SPLIT_TRAIN] = line->given.count;
    dataset->count[SPLIT_TEST] = line->given.count;
    dataset->target_scale = &line->target_deviation;
    dataset->target_offset = &line->target_mean;

    char content[320];
    int length = snprintf(content, sizeof content, "line: %" PRId64 " %a %a %a %a %a %a", line->given.count,
                          line->given.slope, line->given.intercept, (double)line->feature_mean,
                          (double)line->feature_deviation, (double)line->target_mean, (double)line->target_deviation);
    return digest_of(content, (size_t)length, dataset->digest);
}

static void line_close(struct dataset *dataset)
{
    free(dataset->state);
}

static enum status line_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                             void *const fields[])
{
    (void)split;
    (void)epoch;
    const struct line_state *line = dataset->state;
    double x = (double)(index + 1);
    double y = line->given.slope * x + line->given.intercept;
    float *feature = fields[0];
    float *target = fields[1];
    size_t size = (size_t)shape_elements(shape_vector(1), DTYPE_FLOAT32) * sizeof(float);
    memset(feature, 0, size);
    memset(target, 0, size);
    feature[0] = (float)((x - (double)line->feature_mean) / (double)line->feature_deviation);
    target[0] = (float)((y - (double)line->target_mean) / (double)line->target_deviation);
    return STATUS_OK;
}

static void line_save(const struct dataset *dataset, struct dataset_state *state)
{
    const struct line_state *line = dataset->state;
    state->arrays = line->arrays;
    state->array_count = ARRAYS;
}

const struct dataset_type dataset_line = {
    .name = "line",
    .help = "a few points on a straight line, for a first regression: x = 1, 2, 3 ... and y = slope * x + intercept",
    .options = options,
    .options_size = sizeof(struct line_options),
    .open = line_open,
    .close = line_close,
    .read = line_read,
    .state = line_save,
};
