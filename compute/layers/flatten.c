/*
 * All elements of a sample in one vector, in PyTorch's order: (C, H, W) of an image, (T, C) of a sequence. Memory is
 * channels last, so this is a transposition, forward of the values and backward of the gradients:
 *
 *     y[(c H + h) W + w] = x[h][w][c]        dx[h][w][c] = dy[(c H + h) W + w]
 *
 * Where both orders are one (a single position) memory is handed through.
 */
#include <string.h>

#include "compute/kernels/map.h"
#include "compute/kernels/range.h"
#include "shaders/flatten.h"

static enum status infer(struct layer *layer)
{
    TRY(layer_require_numbers(layer));
    return layer_add_output(layer, shape_vector(shape_count(layer_input_shape(layer, 0))));
}

static bool same_order(const struct layer *layer)
{
    struct shape shape = layer_input_shape(layer, 0);
    return shape_positions(shape) == 1 || (shape.rank == 2 && shape_channels(shape) % 4 == 0);
}

static struct flatten_push make_push(const struct layer *layer)
{
    struct shape shape = layer_input_shape(layer, 0);
    int64_t positions = shape_positions(shape);
    int64_t channels = shape_channels(shape);
    int64_t stride = shape_stride(shape);
    bool channels_outside = shape.rank == 3;
    return (struct flatten_push){
        .inner = divisor_of(channels_outside ? positions : channels),
        .stride = divisor_of(stride / 4),
        .flat_stride = (uint)shape_stride(layer_output_shape(layer, 0)),
        .count = (uint)shape_count(shape),
        .channels = (uint)channels,
        .outer_step = (uint)(channels_outside ? 1 : stride),
        .inner_step = (uint)(channels_outside ? stride : 1),
        .position_step = (uint)(channels_outside ? 1 : channels),
        .channel_step = (uint)(channels_outside ? positions : 1),
        .sample_floats = (uint)(positions * stride),
    };
}

static enum status dispatch(struct tape *tape, const char *kernel, int from, int to, struct flatten_push push,
                            struct shape made)
{
    push.sample_vectors = divisor_of(shape_elements(made, DTYPE_FLOAT32) / 4);
    struct dispatch dispatch = {.kernel = kernel,
                                .bindings = {tape_bind(tape, from, ACCESS_READ), tape_bind(tape, to, ACCESS_WRITE)},
                                .binding_count = 2};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, made), 1, sizes);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    if (same_order(layer)) {
        return map_through(layer, tape);
    }
    return dispatch(tape, "flatten_forward", tape_input(tape, layer, 0), tape_output(tape, layer, 0), make_push(layer),
                    layer_output_shape(layer, 0));
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    int output_gradient = tape_output_gradient(tape, layer, 0);
    if (same_order(layer)) {
        return tape_alias_input_gradient(tape, layer, 0, output_gradient);
    }
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    return dispatch(tape, "flatten_backward", output_gradient, gradient, make_push(layer), layer_input_shape(layer, 0));
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_flatten = {
    .name = "flatten",
    .help = "all elements of a sample in one vector, in the order channel, height, width",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
