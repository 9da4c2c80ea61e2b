#include "compute/kernels/pool.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/range.h"

/*
 * Loops of an invocation, which makes POOL_COLUMNS windows, may turn 65,535 times together on a CPU driver; an inner
 * loop counts two turns more than it makes.
 */
enum { MAX_TURNS = 65535 / POOL_COLUMNS - 2 };

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
    TRY(layer_require_image(layer));
    if (options->kernel[0] * (options->kernel[1] + 2) > MAX_TURNS) {
        return layer_fail(layer, "a window has at most about %d positions", MAX_TURNS);
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
        .groups = divisor_of(divide_up_count(shape_width(made), POOL_COLUMNS)),
        .height = divisor_of(shape_height(made)),
        .width = (uint)shape_width(made),
        .read_height = (uint)shape_height(read),
        .read_width = (uint)shape_width(read),
        .padding_height = (uint)options->padding[0],
        .padding_width = (uint)options->padding[1],
    };
}

enum status pool_dispatch(const struct layer *layer, struct tape *tape, const struct dispatch *dispatch,
                          struct shape made, struct shape read, uint32_t variant,
                          const uint32_t sizes[DISPATCH_MAX_BINDINGS])
{
    const struct pool_options *options = layer->options;
    struct pool_push push = make_push(layer, made, read);
    int64_t line = shape_stride(made) / 4 * shape_width(made); /* vectors of a row of positions */
    int64_t lines = geometry_samples(&tape->geometry) * shape_height(made);
    int64_t line_invocations = (int64_t)push.groups.value * push.channels.value;
    int64_t limit = (RANGE_MAX_VECTORS - RANGE_ALIGNMENT) / line;
    uint32_t aligned = options->padding[1] % stride(options, 1) == 0 && POOL_COLUMNS % stride(options, 1) == 0;
    if (limit == 0 || lines * line_invocations > INT32_MAX) {
        return layer_fail(layer, "an image row, or all of the batch, is too large for one device");
    }
    for (int64_t first = 0; first < lines; first += limit) {
        int64_t count = lines - first < limit ? lines - first : limit;
        int64_t begin = first * line / RANGE_ALIGNMENT * RANGE_ALIGNMENT;
        struct dispatch one = *dispatch;
        for (int i = 0; i < one.binding_count; i++) {
            if (sizes[i] > 0) {
                one.bindings[i].offset = (uint64_t)begin * sizes[i];
                one.bindings[i].size = (uint64_t)((first + count) * line - begin) * sizes[i];
            }
        }
        const uint32_t constants[] = {(uint32_t)options->kernel[0],
                                      (uint32_t)options->kernel[1],
                                      (uint32_t)stride(options, 0),
                                      (uint32_t)stride(options, 1),
                                      aligned,
                                      variant};
        memcpy(one.constants, constants, sizeof constants);
        one.constant_count = COUNT_OF(constants);
        push.part = (struct range){(uint)(first * line_invocations), (uint)(count * line_invocations)};
        push.made_first = (uint)begin;
        dispatch_push(&one, push);
        dispatch_groups(&one, divide_up(push.part.count, RANGE_LOCAL_SIZE));
        one.flops = (double)(count * line) * 4 * (double)pool_window(layer);
        TRY(tape_dispatch(tape, &one));
    }
    return STATUS_OK;
}
