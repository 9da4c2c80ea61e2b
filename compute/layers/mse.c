/*
 * Mean squared error of a prediction p against a target t of the same shape, n elements a sample:
 *
 *     loss = sum of (p - t)^2 / n        d loss / d p = 2 (p - t) / n        d loss / d t = -2 (p - t) / n
 *
 * Metrics: weighted losses, weights, weighted means of |p - t|. loss_scale stands in front of the gradient.
 */
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/mse.h"

/* An invocation of the forward pass adds at most so many vectors of four floats. */
enum { PART_VECTORS = 64 };

static enum status infer(struct layer *layer)
{
    struct shape prediction = layer_input_shape(layer, 0);
    struct shape target = layer_input_shape(layer, 1);
    char text[2][SHAPE_TEXT_SIZE];
    if (!shape_equal(prediction, target)) {
        return layer_fail(layer, "the prediction has shape %s, but the target has shape %s",
                          shape_format(prediction, text[0]), shape_format(target, text[1]));
    }
    for (int i = 0; i < 2; i++) {
        if (layer->graph->values[layer->inputs[i]].dtype != DTYPE_FLOAT32) {
            return layer_fail(layer, "compares numbers, but %s holds integers",
                              layer->graph->values[layer->inputs[i]].name);
        }
    }
    return STATUS_OK;
}

static int64_t sample_vectors(const struct layer *layer)
{
    return shape_elements(layer_input_shape(layer, 0), DTYPE_FLOAT32) / 4;
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    int64_t parts = divide_up_count(sample_vectors(layer), PART_VECTORS);
    int64_t rows = geometry_samples(&tape->geometry) * parts;
    double count = (double)shape_count(layer_input_shape(layer, 0));
    struct mse_forward_push push = {
        .parts = divisor_of(parts), .vectors = (uint)sample_vectors(layer), .scale = (float)(1.0 / count)};
    int losses;
    TRY(tape_scratch(tape, "losses by part", (uint64_t)rows * VECTOR_SIZE, &losses));

    struct dispatch dispatch = {.kernel = "mse_forward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_input(tape, layer, 1), ACCESS_READ),
                                             tape_weights(tape), tape_bind(tape, losses, ACCESS_WRITE)},
                                .binding_count = 4,
                                .flops = 5.0 * count * (double)geometry_samples(&tape->geometry)};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, 0, VECTOR_SIZE};
    TRY(range_dispatch(tape, &dispatch, (uint64_t)rows, 1, sizes));
    return reduce_columns(tape, tape_bind(tape, losses, ACCESS_READ), tape->geometry.shard_samples * parts,
                          METRIC_COUNT, tape_metrics(tape));
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    struct shape shape = layer_input_shape(layer, 0);
    double count = (double)shape_count(shape);
    for (int input = 0; input < 2; input++) {
        int gradient;
        TRY(tape_input_gradient(tape, layer, input, &gradient));
        if (gradient == TENSOR_NONE) {
            continue;
        }
        struct mse_backward_push push = {.sample_vectors = divisor_of(sample_vectors(layer)),
                                         .scale = (float)((input == 0 ? 2.0 : -2.0) / count)};
        struct dispatch dispatch = {.kernel = "mse_backward",
                                    .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                                 tape_bind(tape, tape_input(tape, layer, 1), ACCESS_READ),
                                                 tape_weights(tape), tape_step_scalars(tape),
                                                 tape_bind(tape, gradient, ACCESS_WRITE)},
                                    .binding_count = 5,
                                    .flops = 3.0 * count * (double)geometry_samples(&tape->geometry)};
        dispatch_push(&dispatch, push);
        static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, 0, 0, VECTOR_SIZE};
        TRY(range_dispatch(tape, &dispatch, range_vectors(tape, shape), MSE_TURNS, sizes));
    }
    return STATUS_OK;
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_mse = {
    .name = "mse",
    .help = "mean squared error against a target of the same shape",
    .options = options,
    .min_inputs = 2,
    .max_inputs = 2,
    .is_loss = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
