/*
 * Leaky rectifier with slope a below 0:
 *
 *     y = x where x > 0, else a x        dx = dy where y > 0, else a dy
 */
#include "compute/kernels/map.h"
#include "shaders/map.h"

struct leaky_relu_options {
    double negative_slope;
};

static struct map map(const struct layer *layer)
{
    const struct leaky_relu_options *options = layer->options;
    return (struct map){.function = MAP_LEAKY_RELU, .slope = (float)options->negative_slope};
}

static const struct option options[] = {
    {
        .name = "negative_slope",
        .type = OPTION_FLOAT,
        .offset = offsetof(struct leaky_relu_options, negative_slope),
        .fallback = "0.01",
        .min = 0,
        .max = 1,
        .help = "slope below 0",
    },
    OPTIONS_END,
};

const struct layer_type layer_leaky_relu = {
    .name = "leaky_relu",
    .help = "x above 0, a small multiple of x below",
    .options = options,
    .options_size = sizeof(struct leaky_relu_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = map_infer,
    .forward = map_forward,
    .backward = map_backward,
    .epilogue = EPILOGUE_MAP,
    .map = map,
    .adds_gradients = true,
};
