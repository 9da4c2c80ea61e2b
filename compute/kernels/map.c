#include "compute/kernels/map.h"

#include <string.h>

#include "compute/kernels/epilogue.h"
#include "compute/kernels/range.h"
#include "shaders/map.h"

enum { FORWARD_CONSTANTS = 2 }; /* before those of the epilogue */

enum status map_infer(struct layer *layer)
{
    TRY(layer_require_numbers(layer));
    return layer_add_output(layer, layer_input_shape(layer, 0));
}

static enum status apply(const struct layer *layer, struct tape *tape, struct map map, const struct epilogue *epilogue)
{
    struct shape shape = layer_output_shape(layer, 0);
    struct map_push push = {.channels = epilogue_channels(shape)};
    struct dispatch dispatch = {.kernel = "map_forward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE)},
                                .binding_count = 2,
                                .constants = {map.function, epilogue_slope(map)},
                                .constant_count = FORWARD_CONSTANTS,
                                .flops = (double)(geometry_samples(&tape->geometry) * shape_count(shape))};
    epilogue_add_map(&dispatch, FORWARD_CONSTANTS, epilogue);
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {VECTOR_SIZE, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, shape), MAP_TURNS, sizes);
}

enum status map_forward(const struct layer *layer, struct tape *tape)
{
    return apply(layer, tape, layer->type->map(layer), tape_epilogue(tape));
}

enum status map_backward(const struct layer *layer, struct tape *tape)
{
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct map map = layer->type->map(layer);
    int addend = tape_output_gradient_addend(tape, layer, 0);
    struct map_push push = {0};
    struct shape shape = layer_output_shape(layer, 0);
    struct dispatch dispatch = {.kernel = "map_backward",
                                .bindings = {tape_bind(tape, tape_output(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, gradient, ACCESS_WRITE)},
                                .binding_count = 3,
                                .constants = {map.function, epilogue_slope(map), addend != TENSOR_NONE},
                                .constant_count = 3,
                                .flops = 2.0 * (double)(geometry_samples(&tape->geometry) * shape_count(shape))};
    /* Something must be bound where nothing is added. */
    dispatch.bindings[dispatch.binding_count++] =
        addend != TENSOR_NONE ? tape_bind(tape, addend, ACCESS_READ) : dispatch.bindings[1];
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {VECTOR_SIZE, VECTOR_SIZE, VECTOR_SIZE, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, shape), MAP_TURNS, sizes);
}

enum status map_through(const struct layer *layer, struct tape *tape)
{
    static const struct epilogue none = {0};
    if (tape_alias_output(tape, layer, 0, tape_input(tape, layer, 0))) {
        return STATUS_OK;
    }
    return apply(layer, tape, (struct map){.function = MAP_COPY}, &none);
}
