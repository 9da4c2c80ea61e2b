/* Handwritten-looking digits that the program draws itself: a real task that needs no download. */
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Where a digit's pixels are on their way to: many threads may read, so one of them claims the place. */
enum drawn { NOT_DRAWN, BEING_DRAWN, DRAWN };

/* Digits are drawn when they are first read, then kept: so a run starts at once, and a rank draws only what it reads.
 */
struct digits_state {
    uint64_t seed;
    uint8_t *pixels[SPLIT_COUNT];        /* DIGIT_PIXELS each */
    _Atomic uint8_t *drawn[SPLIT_COUNT]; /* enum drawn, by digit */
    float values[256];                   /* of a pixel, normalised */
};

/* Balanced classes, whatever the number of samples. */
static int label_of(int64_t index)
{
    return (int)(index % DIGIT_CLASSES);
}

static enum status make_room(struct digits_state *state, enum split split, int64_t count)
{
    TRY(memory_allocate_touched((size_t)count, DIGIT_PIXELS, &state->pixels[split])); /* training must not grow it */
    return memory_allocate((size_t)count, sizeof *state->drawn[split], &state->drawn[split]);
}

static enum status digits_open(struct dataset *dataset, const void *values, const struct checkpoint *saved)
{
    (void)saved; /* nothing is learnt from the samples */
    const struct digits_options *given = values;
    struct digits_state *state;
    TRY(memory_allocate(1, sizeof *state, &state));
    dataset->state = state;
    state->seed = (uint64_t)given->seed;
    TRY(make_room(state, SPLIT_TRAIN, given->train));
    TRY(make_room(state, SPLIT_TEST, given->test));
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
        free((void *)state->drawn[split]);
    }
    free(state);
}

/* `drawing`: of DIGIT_PIXELS, for a digit that is not kept yet. */
static const uint8_t *find_pixels(const struct digits_state *state, enum split split, int64_t index, uint8_t *drawing)
{
    uint8_t *kept = state->pixels[split] + index * DIGIT_PIXELS;
    _Atomic uint8_t *drawn = &state->drawn[split][index];
    if (atomic_load_explicit(drawn, memory_order_acquire) == DRAWN) {
        return kept;
    }
    struct random random;
    random_init(&random, state->seed, RANDOM_DATA, ((uint64_t)split << 32) + (uint64_t)index);
    digit_draw(label_of(index), &random, drawing);
    uint8_t expected = NOT_DRAWN;
    if (atomic_compare_exchange_strong(drawn, &expected, BEING_DRAWN)) {
        memcpy(kept, drawing, DIGIT_PIXELS);
        atomic_store_explicit(drawn, DRAWN, memory_order_release);
    }
    return drawing;
}

static enum status digits_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                               void *const fields[])
{
    (void)epoch;
    const struct digits_state *state = dataset->state;
    uint8_t drawing[DIGIT_PIXELS];
    const uint8_t *pixels = find_pixels(state, split, index, drawing);
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
