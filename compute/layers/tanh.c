/*
 * Hyperbolic tangent:
 *
 *     y = tanh(x)        dx = dy (1 - y^2)
 */
#include "compute/kernels/map.h"
#include "shaders/map.h"

static const struct map map = {.function = MAP_TANH};

static enum status forward(const struct layer *layer, struct tape *tape)
{
    return map_forward(layer, tape, &map);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    return map_backward(layer, tape, &map);
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_tanh = {
    .name = "tanh",
    .help = "hyperbolic tangent",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = map_infer,
    .forward = forward,
    .backward = backward,
};
