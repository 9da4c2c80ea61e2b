/*
 * The mean of each window (kernel, stride, padding):
 *
 *     y[h][w] = sum over the window of x / n        dx[i][j] = sum of dy / n over the windows that cover (i, j)
 *
 * where n counts the window's positions: all of them, or (count_include_pad = no) those in the image.
 */
#include "compute/kernels/pool.h"

static enum status dispatch(const struct layer *layer, struct tape *tape, const char *kernel, int from, int to,
                            struct shape made, struct shape read)
{
    const struct pool_options *options = layer->options;
    struct dispatch dispatch = {.kernel = kernel,
                                .bindings = {tape_bind(tape, from, ACCESS_READ), tape_bind(tape, to, ACCESS_WRITE)},
                                .binding_count = 2};
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 4 * sizeof(float)};
    return pool_dispatch(layer, tape, &dispatch, made, read, options->count_include_pad, sizes);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    return dispatch(layer, tape, "avg_pool2d_forward", tape_input(tape, layer, 0), tape_output(tape, layer, 0),
                    layer_output_shape(layer, 0), layer_input_shape(layer, 0));
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    return dispatch(layer, tape, "avg_pool2d_backward", tape_output_gradient(tape, layer, 0), gradient,
                    layer_input_shape(layer, 0), layer_output_shape(layer, 0));
}

static const struct option options[] = {
    POOL_OPTION_KERNEL,
    POOL_OPTION_STRIDE,
    POOL_OPTION_PADDING,
    {
        .name = "count_include_pad",
        .type = OPTION_BOOL,
        .offset = offsetof(struct pool_options, count_include_pad),
        .fallback = "yes",
        .help = "divide by the whole window at the border too",
    },
    OPTIONS_END,
};

const struct layer_type layer_avg_pool2d = {
    .name = "avg_pool2d",
    .help = "the mean of each window of an image",
    .options = options,
    .options_size = sizeof(struct pool_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = pool_infer,
    .forward = forward,
    .backward = backward,
};
