/*
 * Hyperbolic tangent:
 *
 *     y = tanh(x)        dx = dy (1 - y^2)
 */
#include "compute/kernels/map.h"
#include "shaders/map.h"

static struct map map(const struct layer *layer)
{
    (void)layer;
    return (struct map){.function = MAP_TANH};
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_tanh = {
    .name = "tanh",
    .help = "hyperbolic tangent",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = map_infer,
    .forward = map_forward,
    .backward = map_backward,
    .epilogue = EPILOGUE_MAP,
    .map = map,
    .adds_gradients = true,
};
