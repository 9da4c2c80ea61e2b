/*
 * The largest value of each window (kernel, stride, padding; windows at the border are cut):
 *
 *     y[h][w] = max over the window of x        dx[i][j] = sum of dy over the windows whose largest x[i][j] is
 *
 * Of equal values the first in a window, row by row, is the largest. Which one it was is kept for the backward pass.
 */
#include "compute/kernels/pool.h"
#include "compute/kernels/range.h"

enum { SAVED_PLACES };

static bool is_wide(const struct layer *layer)
{
    return pool_window(layer) > POOL_NARROW;
}

static uint32_t place_size(const struct layer *layer)
{
    return is_wide(layer) ? 2 * sizeof(uint32_t) : sizeof(uint32_t);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    struct shape shape = layer_output_shape(layer, 0);
    uint64_t vectors = range_vectors(tape, shape);
    int places;
    TRY(tape_scratch(tape, "places of the largest", vectors * place_size(layer), &places));
    tape_save(tape, layer, SAVED_PLACES, places);

    struct dispatch dispatch = {.kernel = "max_pool2d_forward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE),
                                             tape_bind(tape, places, ACCESS_WRITE)},
                                .binding_count = 3};
    const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 4 * sizeof(float), place_size(layer)};
    return pool_dispatch(layer, tape, &dispatch, shape, layer_input_shape(layer, 0), is_wide(layer), sizes);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct dispatch dispatch = {.kernel = "max_pool2d_backward",
                                .bindings = {tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_PLACES), ACCESS_READ),
                                             tape_bind(tape, gradient, ACCESS_WRITE)},
                                .binding_count = 3};
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, 4 * sizeof(float)};
    return pool_dispatch(layer, tape, &dispatch, layer_input_shape(layer, 0), layer_output_shape(layer, 0),
                         is_wide(layer), sizes);
}

static const struct option options[] = {POOL_OPTION_KERNEL, POOL_OPTION_STRIDE, POOL_OPTION_PADDING, OPTIONS_END};

const struct layer_type layer_max_pool2d = {
    .name = "max_pool2d",
    .help = "the largest value of each window of an image",
    .options = options,
    .options_size = sizeof(struct pool_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = pool_infer,
    .forward = forward,
    .backward = backward,
};
