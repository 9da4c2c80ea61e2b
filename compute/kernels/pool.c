#include "compute/kernels/pool.h"

/* A shader's loops may turn 65,535 times together (notes in shaders/lib/each_vector.glsl). */
enum { MAX_WINDOW = 16384 };

static int64_t stride(const struct pool_options *options, int axis)
{
    return options->stride[axis] > 0 ? options->stride[axis] : options->kernel[axis];
}

int64_t pool_window(const struct layer *layer)
{
    const struct pool_options *options = layer->options;
    return options->kernel[0] * options->kernel[1];
}

enum status pool_infer(struct layer *layer)
{
    const struct pool_options *options = layer->options;
    struct shape input = layer_input_shape(layer, 0);
    char text[SHAPE_TEXT_SIZE];
    TRY(layer_require_numbers(layer));
    if (input.rank != 3) {
        return layer_fail(layer, "needs an image (channels x height x width), but its input is %s",
                          shape_format(input, text));
    }
    if (pool_window(layer) > MAX_WINDOW) {
        return layer_fail(layer, "a window has at most %d positions", MAX_WINDOW);
    }
    int64_t size[2];
    for (int axis = 0; axis < 2; axis++) {
        int64_t padded = input.dim[1 + axis] + 2 * options->padding[axis];
        if (2 * options->padding[axis] > options->kernel[axis]) {
            return layer_fail(layer, "padding %lld is more than half the kernel %lld",
                              (long long)options->padding[axis], (long long)options->kernel[axis]);
        }
        if (padded < options->kernel[axis]) {
            return layer_fail(layer, "the window %lld x %lld does not fit into the input %s",
                              (long long)options->kernel[0], (long long)options->kernel[1], shape_format(input, text));
        }
        size[axis] = (padded - options->kernel[axis]) / stride(options, axis) + 1;
    }
    return layer_add_output(layer, shape_image(input.dim[0], size[0], size[1]));
}

static struct pool_push make_push(const struct layer *layer, struct shape made, struct shape read)
{
    const struct pool_options *options = layer->options;
    return (struct pool_push){
        .channels = divisor_of(shape_stride(made) / 4),
        .made_height = divisor_of(shape_height(made)),
        .made_width = divisor_of(shape_width(made)),
        .read_height = (uint)shape_height(read),
        .read_width = (uint)shape_width(read),
        .kernel_height = (uint)options->kernel[0],
        .kernel_width = (uint)options->kernel[1],
        .stride_height = divisor_of(stride(options, 0)),
        .stride_width = divisor_of(stride(options, 1)),
        .padding_height = (uint)options->padding[0],
        .padding_width = (uint)options->padding[1],
        .turns_height = (uint)((options->kernel[0] + stride(options, 0) - 1) / stride(options, 0)),
        .turns_width = (uint)((options->kernel[1] + stride(options, 1) - 1) / stride(options, 1)),
    };
}

struct pool_push pool_push_forward(const struct layer *layer)
{
    return make_push(layer, layer_output_shape(layer, 0), layer_input_shape(layer, 0));
}

struct pool_push pool_push_backward(const struct layer *layer)
{
    return make_push(layer, layer_input_shape(layer, 0), layer_output_shape(layer, 0));
}
