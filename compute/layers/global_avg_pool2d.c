/*
 * The mean of each channel over the whole image, a vector of C:
 *
 *     y[c] = sum over h, w of x[c][h][w] / (H W)        dx[c][h][w] = dy[c] / (H W)
 */
#include <string.h>

#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/global_avg_pool2d.h"

static enum status infer(struct layer *layer)
{
    struct shape input = layer_input_shape(layer, 0);
    TRY(layer_require_image(layer));
    return layer_add_output(layer, shape_vector(input.dim[0]));
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    struct shape shape = layer_input_shape(layer, 0);
    struct row_sums params = {.rows = tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                              .groups = geometry_samples(&tape->geometry),
                              .group_rows = shape_positions(shape),
                              .stride = shape_stride(shape),
                              .scale = (float)(1.0 / (double)shape_positions(shape)),
                              .sums = tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE)};
    return reduce_rows(tape, &params);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct shape shape = layer_input_shape(layer, 0);
    struct global_avg_pool2d_push push = {.channels = divisor_of(shape_stride(shape) / 4),
                                          .positions = divisor_of(shape_positions(shape)),
                                          .scale = (float)(1.0 / (double)shape_positions(shape))};
    struct dispatch dispatch = {.kernel = "global_avg_pool2d_backward",
                                .bindings = {tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, gradient, ACCESS_WRITE)},
                                .binding_count = 2,
                                .flops = (double)(geometry_samples(&tape->geometry) * shape_count(shape))};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 4 * sizeof(float)};
    return range_dispatch(tape, &dispatch, range_vectors(tape, shape), GLOBAL_AVG_POOL2D_TURNS, sizes);
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_global_avg_pool2d = {
    .name = "global_avg_pool2d",
    .help = "the mean of each channel over the whole image",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
