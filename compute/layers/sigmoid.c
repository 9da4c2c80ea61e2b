/*
 * Logistic function:
 *
 *     y = 1 / (1 + exp(-x))        dx = dy y (1 - y)
 */
#include "compute/kernels/map.h"
#include "shaders/map.h"

static const struct map map = {.function = MAP_SIGMOID};

static enum status forward(const struct layer *layer, struct tape *tape)
{
    return map_forward(layer, tape, &map);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    return map_backward(layer, tape, &map);
}

static const struct option options[] = {OPTIONS_END};

const struct layer_type layer_sigmoid = {
    .name = "sigmoid",
    .help = "1 / (1 + exp(-x))",
    .options = options,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = map_infer,
    .forward = forward,
    .backward = backward,
};
