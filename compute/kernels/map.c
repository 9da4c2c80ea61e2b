#include "compute/kernels/map.h"

#include <string.h>

#include "compute/kernels/range.h"
#include "shaders/map.h"

enum { VECTOR_SIZE = 16 };

enum status map_infer(struct layer *layer)
{
    TRY(layer_require_numbers(layer));
    return layer_add_output(layer, layer_input_shape(layer, 0));
}

static struct map_push make_push(const struct layer *layer, const struct map *map)
{
    struct shape shape = layer_output_shape(layer, 0);
    return (struct map_push){
        .stride = divisor_of(shape_stride(shape) / 4), .tail = (uint)(shape_channels(shape) % 4), .slope = map->slope};
}

enum status map_forward(const struct layer *layer, struct tape *tape, const struct map *map)
{
    struct map_push push = make_push(layer, map);
    struct shape shape = layer_output_shape(layer, 0);
    struct dispatch dispatch = {.kernel = "map_forward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE)},
                                .binding_count = 2,
                                .constants = {map->function},
                                .constant_count = 1,
                                .flops = (double)(geometry_samples(&tape->geometry) * shape_count(shape))};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {VECTOR_SIZE, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, shape), MAP_TURNS, sizes);
}

enum status map_backward(const struct layer *layer, struct tape *tape, const struct map *map)
{
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct map_push push = make_push(layer, map);
    struct shape shape = layer_output_shape(layer, 0);
    struct dispatch dispatch = {.kernel = "map_backward",
                                .bindings = {tape_bind(tape, tape_output(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, gradient, ACCESS_WRITE)},
                                .binding_count = 3,
                                .constants = {map->function},
                                .constant_count = 1,
                                .flops = 2.0 * (double)(geometry_samples(&tape->geometry) * shape_count(shape))};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {VECTOR_SIZE, VECTOR_SIZE, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, shape), MAP_TURNS, sizes);
}

enum status map_through(const struct layer *layer, struct tape *tape)
{
    if (tape_alias_output(tape, layer, 0, tape_input(tape, layer, 0))) {
        return STATUS_OK;
    }
    return map_forward(layer, tape, &(struct map){.function = MAP_COPY});
}
