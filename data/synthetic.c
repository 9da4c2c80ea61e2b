/* Noise of any shape, for measurements that shall need no data: nothing can be learnt from it. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "data/source.h"

struct synthetic_options {
    char *shape;
    int64_t classes, targets, train, test, seed;
};

static const struct option options[] = {
    {.name = "shape",
     .type = OPTION_STRING,
     .offset = offsetof(struct synthetic_options, shape),
     .fallback = "1x28x28",
     .help = "of one sample: channels x height x width of an image, or the length of a vector"},
    {.name = "classes",
     .type = OPTION_INT,
     .offset = offsetof(struct synthetic_options, classes),
     .fallback = "10",
     .min = 0,
     .max = 1e6,
     .help = "classes of the labels; 0: the target is a vector of numbers"},
    {.name = "targets",
     .type = OPTION_INT,
     .offset = offsetof(struct synthetic_options, targets),
     .fallback = "1",
     .min = 1,
     .max = 1e6,
     .help = "numbers in a target, where there are no classes"},
    {.name = "train",
     .type = OPTION_INT,
     .offset = offsetof(struct synthetic_options, train),
     .fallback = "10000",
     .min = 1,
     .max = 1e9,
     .help = "samples to train on"},
    {.name = "test",
     .type = OPTION_INT,
     .offset = offsetof(struct synthetic_options, test),
     .fallback = "0",
     .min = 0,
     .max = 1e9,
     .help = "samples to test on"},
    {.name = "seed",
     .type = OPTION_INT,
     .offset = offsetof(struct synthetic_options, seed),
     .fallback = "0",
     .min = 0,
     .max = INFINITY,
     .help = "another seed gives other noise; run.seed does not change it"},
    OPTIONS_END,
};

/* Places in the noise where a sample may begin. */
enum { STARTS = 1021 };
static const int64_t longest_side = 1 << 20;
static const int64_t largest_sample = 1 << 27; /* floats in memory */

struct synthetic_state {
    uint64_t seed;
    float *noise;  /* a sample is a part of it: reading must cost little beside a training step */
    float *border; /* by channel: zeros */
};

static enum status bad_shape(const char *text)
{
    return fail(STATUS_BAD_INPUT,
                "data.shape = %s: CHANNELSxHEIGHTxWIDTH or LENGTH is wanted, as in 3x32x32 or 784, of at most %" PRId64
                " numbers in memory",
                text, largest_sample);
}

static enum status parse_shape(const char *text, struct shape *shape)
{
    *shape = (struct shape){0};
    const char *next = text;
    for (;;) {
        char *end;
        errno = 0;
        long long side = strtoll(next, &end, 10);
        if (end == next || errno != 0 || side < 1 || side > longest_side || shape->rank == SHAPE_MAX_RANK) {
            return bad_shape(text);
        }
        shape->dim[shape->rank++] = side;
        if (*end == '\0') {
            break;
        }
        if (*end != 'x') {
            return bad_shape(text);
        }
        next = end + 1;
    }
    bool image = shape->rank == 3;
    if (!image && shape->rank != 1) {
        return bad_shape(text);
    }
    /* Sides are below 2^21, so that neither product overflows. */
    int64_t positions = image ? shape->dim[1] * shape->dim[2] : 1;
    if (positions > largest_sample / shape_stride(*shape)) {
        return bad_shape(text);
    }
    return STATUS_OK;
}

static enum status draw_noise(struct synthetic_state *state, struct shape shape)
{
    int64_t positions = shape_positions(shape) + STARTS - 1;
    int64_t stride = shape_stride(shape);
    TRY(memory_allocate((size_t)positions, (size_t)stride * sizeof(float), &state->noise));
    struct random random;
    random_init(&random, state->seed, RANDOM_DATA, 0);
    for (int64_t position = 0; position < positions; position++) {
        for (int64_t channel = 0; channel < shape_channels(shape); channel++) {
            state->noise[position * stride + channel] = (float)random_normal(&random);
        }
    }
    return STATUS_OK;
}

static void describe(struct dataset *dataset, const struct synthetic_options *given, struct shape shape)
{
    const char *input = shape.rank == 3 ? "image" : "features";
    struct field *fields = dataset->fields;
    fields[0] = (struct field){.dtype = DTYPE_FLOAT32, .shape = shape};
    snprintf(fields[0].name, sizeof fields[0].name, "%s", input);
    if (given->classes > 0) {
        fields[1] = (struct field){.name = "label", .dtype = DTYPE_INT32, .shape = shape_scalar()};
    } else {
        fields[1] = (struct field){.name = "target", .dtype = DTYPE_FLOAT32, .shape = shape_vector(given->targets)};
    }
    dataset->field_count = 2;
    dataset->classes = given->classes;
    dataset->count[SPLIT_TRAIN] = given->train;
    dataset->count[SPLIT_TEST] = given->test;
}

static enum status synthetic_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    (void)saved; /* nothing is learnt from the samples */
    const struct synthetic_options *given = values;
    struct shape shape;
    TRY(parse_shape(given->shape, &shape));
    struct synthetic_state *state;
    TRY(memory_allocate(1, sizeof *state, &state));
    dataset->state = state;
    state->seed = (uint64_t)given->seed;
    TRY(draw_noise(state, shape));
    TRY(memory_allocate((size_t)shape_channels(shape), sizeof *state->border, &state->border));
    dataset->border = shape.rank == 3 ? state->border : NULL;
    describe(dataset, given, shape);

    char text[SHAPE_TEXT_SIZE];
    char content[256];
    int length =
        snprintf(content, sizeof content, "synthetic 1: %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
                 shape_format(shape, text), given->classes, given->targets, given->train, given->test, given->seed);
    return digest_of(content, (size_t)length, dataset->digest);
}

static void synthetic_close(struct dataset *dataset)
{
    struct synthetic_state *state = dataset->state;
    if (state != NULL) {
        free(state->noise);
        free(state->border);
        free(state);
    }
}

static enum status synthetic_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                                  void *const fields[])
{
    (void)epoch;
    const struct synthetic_state *state = dataset->state;
    const struct shape shape = dataset->fields[0].shape;
    struct random random;
    random_init(&random, state->seed, RANDOM_DATA, ((uint64_t)split << 40) + (uint64_t)index + 1);
    int64_t start = random_below(&random, STARTS) * shape_stride(shape);
    memcpy(fields[0], state->noise + start, (size_t)shape_elements(shape, DTYPE_FLOAT32) * sizeof(float));
    if (dataset->classes > 0) {
        *(int32_t *)fields[1] = (int32_t)random_below(&random, (uint32_t)dataset->classes);
        return STATUS_OK;
    }
    const struct shape target = dataset->fields[1].shape;
    float *numbers = fields[1];
    for (int64_t i = 0; i < shape_stride(target); i++) {
        numbers[i] = i < shape_channels(target) ? (float)random_normal(&random) : 0.0F;
    }
    return STATUS_OK;
}

const struct dataset_type dataset_synthetic = {
    .name = "synthetic",
    .help = "noise of any shape, for lemnos bench: nothing can be learnt from it",
    .options = options,
    .options_size = sizeof(struct synthetic_options),
    .open = synthetic_open,
    .close = synthetic_close,
    .read = synthetic_read,
};
