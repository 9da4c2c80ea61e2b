/*
 * Logistic function:
 *
 *     y = 1 / (1 + exp(-x))        dx = dy y (1 - y)
 */
#include "compute/kernels/map.h"
#include "shaders/map.h"

static struct map map(const struct layer *layer)
{
    (void)layer;
    return (struct map){.function = MAP_SIGMOID};
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_sigmoid = {
    .name = "sigmoid",
    .help = "1 / (1 + exp(-x))",
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
