/* Handwritten-looking digits that the program draws itself: a real task that needs no download. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/digit_drawing.h"
#include "data/source.h"

/* Mean and standard deviation of all pixels of a large drawing, on a scale of 0 to 1. */
static const float pixel_mean = 0.094F;
static const float pixel_deviation = 0.234F;

struct digits_options {
    int64_t train, test, seed;
};

static const struct option options[] = {
    {.name = "train",
     .type = OPTION_INT,
     .offset = offsetof(struct digits_options, train),
     .fallback = "10000",
     .min = 1,
     .max = 1e6,
     .help = "digits to train on"},
    {.name = "test",
     .type = OPTION_INT,
     .offset = offsetof(struct digits_options, test),
     .fallback = "2000",
     .min = 0,
     .max = 1e6,
     .help = "digits to test on"},
    {.name = "seed",
     .type = OPTION_INT,
     .offset = offsetof(struct digits_options, seed),
     .fallback = "0",
     .min = 0,
     .max = INFINITY,
     .help = "another seed draws other digits; run.seed does not change them"},
    OPTIONS_END,
};

static const char *const class_names[DIGIT_CLASSES] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};

struct digits_state {
    uint8_t *pixels[SPLIT_COUNT]; /* drawn once: DIGIT_PIXELS each */
    float values[256];            /* of a pixel, normalised */
};

/* Balanced classes, whatever the number of samples. */
static int label_of(int64_t index)
{
    return (int)(index % DIGIT_CLASSES);
}

static enum status draw_split(struct digits_state *state, enum split split, int64_t count, uint64_t seed)
{
    TRY(memory_allocate((size_t)count, DIGIT_PIXELS, &state->pixels[split]));
    for (int64_t i = 0; i < count; i++) {
        struct random random;
        random_init(&random, seed, RANDOM_DATA, ((uint64_t)split << 32) + (uint64_t)i);
        digit_draw(label_of(i), &random, state->pixels[split] + i * DIGIT_PIXELS);
    }
    return STATUS_OK;
}

static enum status digits_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    (void)saved; /* nothing is learnt from the samples */
    const struct digits_options *given = values;
    struct digits_state *state;
    TRY(memory_allocate(1, sizeof *state, &state));
    dataset->state = state;
    TRY(draw_split(state, SPLIT_TRAIN, given->train, (uint64_t)given->seed));
    TRY(draw_split(state, SPLIT_TEST, given->test, (uint64_t)given->seed));
    for (int i = 0; i < 256; i++) {
        state->values[i] = ((float)i / 255.0F - pixel_mean) / pixel_deviation;
    }
    dataset->fields[0] =
        (struct field){.name = "image", .dtype = DTYPE_FLOAT32, .shape = shape_image(1, DIGIT_SIDE, DIGIT_SIDE)};
    dataset->fields[1] = (struct field){.name = "label", .dtype = DTYPE_INT32, .shape = shape_scalar()};
    dataset->field_count = 2;
    dataset->count[SPLIT_TRAIN] = given->train;
    dataset->count[SPLIT_TEST] = given->test;
    dataset->classes = DIGIT_CLASSES;
    dataset->class_names = class_names;
    dataset->border = state->values;

    char content[160];
    int length =
        snprintf(content, sizeof content, "digits %d: %" PRId64 " %" PRId64 " %" PRId64 " %a %a", DIGIT_DRAWING_VERSION,
                 given->train, given->test, given->seed, (double)pixel_mean, (double)pixel_deviation);
    return digest_of(content, (size_t)length, dataset->digest);
}

static void digits_close(struct dataset *dataset)
{
    struct digits_state *state = dataset->state;
    if (state == NULL) {
        return;
    }
    for (int split = 0; split < SPLIT_COUNT; split++) {
        free(state->pixels[split]);
    }
    free(state);
}

static enum status digits_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                               void *const fields[])
{
    (void)epoch;
    const struct digits_state *state = dataset->state;
    const uint8_t *pixels = state->pixels[split] + index * DIGIT_PIXELS;
    const int64_t stride = shape_stride(dataset->fields[0].shape);
    float *image = fields[0];
    for (int64_t i = 0; i < DIGIT_PIXELS; i++) {
        image[i * stride] = state->values[pixels[i]];
        for (int64_t padding = 1; padding < stride; padding++) {
            image[i * stride + padding] = 0.0F;
        }
    }
    int32_t *label = fields[1];
    *label = label_of(index);
    return STATUS_OK;
}

const struct dataset_type dataset_digits = {
    .name = "digits",
    .help = "handwritten-looking digits, drawn by the program: 28 x 28 gray images in 10 classes",
    .options = options,
    .options_size = sizeof(struct digits_options),
    .open = digits_open,
    .close = digits_close,
    .read = digits_read,
};
