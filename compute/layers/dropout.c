/*
 * Dropout (Srivastava et al. 2014), scaled while training, so that evaluation is the identity:
 *
 *     y = x m / (1 - p)        dx = dy m / (1 - p)        m = 0 with probability p, else 1
 *
 * The mask is a pure function of where an element is, not of ranks or shards; a bit an element is kept for the backward
 * pass. For float e of a sample in memory (channels last, padding counted), with random_philox() of base/random.h:
 *
 *     key      seed, low and high 32 bits
 *     counter  e / 4, RANDOM_DROPOUT + 256 * the layer's index in the graph, the sample's number in the global batch,
 *              the step
 *     u        random_float(word[e % 4]); the element is kept where u >= p
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/kernels/map.h"
#include "compute/kernels/range.h"
#include "shaders/dropout.h"

enum { SAVED_MASK };

struct dropout_options {
    double p;
};

static bool is_identity(const struct layer *layer, const struct tape *tape)
{
    const struct dropout_options *options = layer->options;
    return tape->mode != TAPE_TRAIN || options->p == 0;
}

static uint64_t vectors_of(const struct layer *layer, const struct tape *tape)
{
    return range_vectors(tape, layer_output_shape(layer, 0));
}

static float scale_of(const struct layer *layer)
{
    const struct dropout_options *options = layer->options;
    return options->p < 1 ? (float)(1 / (1 - options->p)) : 0;
}

/* A word for every invocation of all workgroups. */
static enum status add_mask(const struct layer *layer, struct tape *tape, int *mask)
{
    uint64_t group = RANGE_LOCAL_SIZE * DROPOUT_TURNS;
    uint64_t size = divide_up(vectors_of(layer, tape), group) * RANGE_LOCAL_SIZE * sizeof(uint32_t);
    if (size > DISPATCH_MAX_STORAGE) {
        return layer_fail(layer, "a rank holds more than %d GiB of the input; use a smaller batch or more ranks",
                          DISPATCH_MAX_STORAGE >> 25);
    }
    return tape_scratch(tape, "mask", size, mask);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    if (is_identity(layer, tape)) {
        return map_through(layer, tape);
    }
    const struct dropout_options *options = layer->options;
    struct shape shape = layer_output_shape(layer, 0);
    struct dropout_push push = {
        .sample_vectors = divisor_of(shape_elements(shape, DTYPE_FLOAT32) / 4),
        .first_sample = (uint)(tape->geometry.first_shard * tape->geometry.shard_samples),
        .stream = (uint)(RANDOM_DROPOUT + 256 * layer->index),
        .threshold = (uint)ceil(options->p * 0x1p24),
        .scale = scale_of(layer),
    };
    int mask;
    TRY(add_mask(layer, tape, &mask));
    tape_save(tape, layer, SAVED_MASK, mask);
    struct dispatch dispatch = {
        .kernel = "dropout_forward",
        .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ), tape_step_scalars(tape),
                     tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE), tape_bind(tape, mask, ACCESS_WRITE)},
        .binding_count = 4,
        .flops = (double)(geometry_samples(&tape->geometry) * shape_count(shape))};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {4 * sizeof(float), 0, 4 * sizeof(float), 0};
    return range_dispatch(tape, &dispatch, vectors_of(layer, tape), DROPOUT_TURNS, sizes);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    int output_gradient = tape_output_gradient(tape, layer, 0);
    if (is_identity(layer, tape)) {
        return tape_alias_input_gradient(tape, layer, 0, output_gradient);
    }
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct dropout_push push = {.scale = scale_of(layer)};
    struct dispatch dispatch = {
        .kernel = "dropout_backward",
        .bindings = {tape_bind(tape, output_gradient, ACCESS_READ),
                     tape_bind(tape, tape_saved(tape, layer, SAVED_MASK), ACCESS_READ),
                     tape_bind(tape, gradient, ACCESS_WRITE)},
        .binding_count = 3,
        .flops = (double)(geometry_samples(&tape->geometry) * shape_count(layer_output_shape(layer, 0)))};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {4 * sizeof(float), 0, 4 * sizeof(float)};
    return range_dispatch(tape, &dispatch, vectors_of(layer, tape), DROPOUT_TURNS, sizes);
}

static const struct option options[] = {
    {
        .name = "p",
        .type = OPTION_FLOAT,
        .offset = offsetof(struct dropout_options, p),
        .fallback = "0.5",
        .min = 0,
        .max = 1,
        .help = "probability of an element to be dropped",
    },
    OPTIONS_END,
};

const struct layer_type layer_dropout = {
    .name = "dropout",
    .help = "drops elements at random while training and scales the others up; identity in evaluation",
    .options = options,
    .options_size = sizeof(struct dropout_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = map_infer,
    .forward = forward,
    .backward = backward,
};
