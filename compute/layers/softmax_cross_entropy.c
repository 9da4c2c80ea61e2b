/*
 * Softmax and cross entropy in one, for logits x over C classes and a label y:
 *
 *     loss = log(sum over c of exp(x[c])) - x[y]        d loss / d x[c] = exp(x[c]) / sum - (c == y)
 *
 * Inputs: logits, with the classes as channels; labels, int32, one a position. Every position of a sequence or an image
 * counts as one item with the weight of its sample. Metrics: weighted losses, weights, weighted correct predictions.
 * loss_scale stands in front of the gradient. A label outside 0 .. C - 1 makes the loss NaN.
 */
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/softmax_cross_entropy.h"

enum { SAVED_ROWS, LOCAL_SIZE = 64, ROW_FLOATS = 4 };
/* CPU drivers end the loops of an invocation after 65,535 turns together; there are two, of four classes a turn. */
enum { MAX_CLASSES = 65534 / 2 * 4 };

/* Invocations that share a row. CPUs loop without a cost; GPUs read whole cache lines only side by side. */
static const uint32_t row_lanes[CLASS_COUNT] = {
    [CLASS_CPU] = 1,
    [CLASS_GPU] = LOCAL_SIZE,
    [CLASS_GPU_MATRIX] = LOCAL_SIZE,
};

/* The shape of the labels: that of the logits without the classes. */
static struct shape label_shape(struct shape logits)
{
    switch (logits.rank) {
    case 2:
        return shape_vector(logits.dim[0]);
    case 3:
        return (struct shape){.rank = 2, .dim = {logits.dim[1], logits.dim[2]}};
    default:
        return shape_scalar();
    }
}

static enum status infer(struct layer *layer)
{
    struct shape logits = layer_input_shape(layer, 0);
    struct shape labels = layer_input_shape(layer, 1);
    char text[2][SHAPE_TEXT_SIZE];
    if (layer->graph->values[layer->inputs[0]].dtype != DTYPE_FLOAT32 ||
        layer->graph->values[layer->inputs[1]].dtype != DTYPE_INT32) {
        return layer_fail(layer, "needs logits (numbers) and labels (integers), in this order");
    }
    if (logits.rank == 0 || !shape_equal(labels, label_shape(logits))) {
        return layer_fail(layer, "logits of shape %s need one label a position, but the labels have shape %s",
                          shape_format(logits, text[0]), shape_format(labels, text[1]));
    }
    if (shape_channels(logits) > MAX_CLASSES) {
        return layer_fail(layer, "has %lld classes; at most %d are possible", (long long)shape_channels(logits),
                          MAX_CLASSES);
    }
    return STATUS_OK;
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    struct shape logits = layer_input_shape(layer, 0);
    int64_t positions = shape_positions(logits);
    struct softmax_cross_entropy_forward_push push = {.rows = (uint)(geometry_samples(&tape->geometry) * positions),
                                                      .positions = divisor_of(positions)};
    uint32_t lanes = row_lanes[tape->device_class];
    int losses;
    int saved;
    TRY(tape_scratch(tape, "losses by row", (uint64_t)push.rows * ROW_FLOATS * sizeof(float), &losses));
    TRY(tape_scratch(tape, "softmax by row", (uint64_t)push.rows * ROW_FLOATS * sizeof(float), &saved));
    tape_save(tape, layer, SAVED_ROWS, saved);

    struct dispatch dispatch = {.kernel = "softmax_cross_entropy_forward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_input(tape, layer, 1), ACCESS_READ),
                                             tape_weights(tape), tape_step_scalars(tape),
                                             tape_bind(tape, losses, ACCESS_WRITE),
                                             tape_bind(tape, saved, ACCESS_WRITE)},
                                .binding_count = 6,
                                .constants = {(uint32_t)shape_channels(logits), lanes},
                                .constant_count = 2,
                                .flops = 3.0 * (double)push.rows * (double)shape_channels(logits)};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up((uint64_t)push.rows * lanes, LOCAL_SIZE));
    TRY(tape_dispatch(tape, &dispatch));
    return reduce_columns(tape, tape_bind(tape, losses, ACCESS_READ), tape->geometry.shard_samples * positions,
                          ROW_FLOATS, tape_metrics(tape));
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    struct shape logits = layer_input_shape(layer, 0);
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct softmax_cross_entropy_backward_push push = {.stride = divisor_of(shape_stride(logits) / 4),
                                                       .classes = (uint)shape_channels(logits)};
    struct dispatch dispatch = {.kernel = "softmax_cross_entropy_backward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_ROWS), ACCESS_READ),
                                             tape_bind(tape, gradient, ACCESS_WRITE)},
                                .binding_count = 3,
                                .flops = 3.0 * (double)(geometry_samples(&tape->geometry) * shape_count(logits))};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, logits), SOFTMAX_TURNS, sizes);
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_softmax_cross_entropy = {
    .name = "softmax_cross_entropy",
    .help = "softmax and cross entropy against integer labels, the loss of classification",
    .options = options,
    .min_inputs = 2,
    .max_inputs = 2,
    .is_loss = true,
    .classifies = true,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
