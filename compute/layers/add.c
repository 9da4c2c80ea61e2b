/*
 * Sum of two to eight inputs of equal shape, the join of a residual connection:
 *
 *     y = x0 + x1 + ...        dx0 = dx1 = ... = dy
 */
#include <string.h>

#include "compute/kernels/epilogue.h"
#include "compute/kernels/range.h"
#include "shaders/add.h"

_Static_assert(ADD_INPUTS == LAYER_MAX_INPUTS, "the shader has a binding for every input");

static enum status infer(struct layer *layer)
{
    TRY(layer_require_numbers(layer));
    struct shape shape = layer_input_shape(layer, 0);
    for (int i = 1; i < layer->input_count; i++) {
        struct shape other = layer_input_shape(layer, i);
        if (!shape_equal(shape, other)) {
            char text[2][SHAPE_TEXT_SIZE];
            return layer_fail(layer, "adds inputs of one shape, but input 1 is %s and input %d is %s",
                              shape_format(shape, text[0]), i + 1, shape_format(other, text[1]));
        }
    }
    return layer_add_output(layer, shape);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    struct shape shape = layer_output_shape(layer, 0);
    struct dispatch dispatch = {.kernel = "add_forward",
                                .binding_count = ADD_INPUTS + 1,
                                .constants = {(uint32_t)layer->input_count},
                                .flops = (double)(layer->input_count - 1) * (double)shape_count(shape) *
                                         (double)geometry_samples(&tape->geometry)};
    uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0};
    for (int i = 0; i < ADD_INPUTS; i++) {
        int input = tape_input(tape, layer, i < layer->input_count ? i : 0);
        dispatch.bindings[i] = tape_bind(tape, input, ACCESS_READ);
        sizes[i] = 4 * sizeof(float);
    }
    dispatch.bindings[ADD_INPUTS] = tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE);
    sizes[ADD_INPUTS] = 4 * sizeof(float);
    epilogue_add_map(&dispatch, 1, tape_epilogue(tape));
    struct add_push push = {.channels = epilogue_channels(shape)};
    dispatch_push(&dispatch, push);
    return range_dispatch(tape, &dispatch, range_vectors(tape, shape), ADD_TURNS, sizes);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    for (int i = 0; i < layer->input_count; i++) {
        TRY(tape_alias_input_gradient(tape, layer, i, tape_output_gradient(tape, layer, 0)));
    }
    return STATUS_OK;
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_add = {
    .name = "add",
    .help = "sum of inputs of equal shape",
    .options = options,
    .min_inputs = 2,
    .max_inputs = LAYER_MAX_INPUTS,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .epilogue = EPILOGUE_MAP,
    .sums_inputs = true,
};
