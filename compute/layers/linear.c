/*
 * A linear map of the channels, the same at every position; a row of x for every sample and position:
 *
 *     y = x W + b        dx = dy W^T        dW = x^T dy        db = sum of dy over the rows
 *
 * W lies in panels (compute/kernels/matmul.h), input channels down, output channels across: PyTorch's weight
 * transposed.
 */
#include "compute/kernels/matmul.h"
#include "compute/kernels/weights.h"

enum { WEIGHT, BIAS };

struct linear_options {
    int64_t features;
    bool bias;
    int initial;
};

static int64_t place_weight(const struct parameter *parameter, const int64_t *index)
{
    return panels_place(parameter->layout[0], parameter->dim[0], index[1], index[0]);
}

static enum status infer(struct layer *layer)
{
    const struct linear_options *options = layer->options;
    struct shape input = layer_input_shape(layer, 0);
    char text[SHAPE_TEXT_SIZE];
    TRY(layer_require_numbers(layer));
    if (input.rank != 1 && input.rank != 2) {
        return layer_fail(layer, "needs a vector or a sequence, but its input is %s; put a flatten layer before it",
                          shape_format(input, text));
    }
    int64_t channels = shape_channels(input);
    struct parameter weight = {.kind = PARAMETER_WEIGHT,
                               .rank = 2,
                               .dim = {options->features, channels},
                               .elements = panels_elements(shape_stride(input), options->features),
                               .place = place_weight,
                               .layout = {shape_stride(input)},
                               .initial = initial_by_name(options->initial, channels, options->features)};
    TRY(layer_add_parameter(layer, "weight", &weight));
    if (options->bias) {
        TRY(weights_add_bias(layer, options->features, channels, options->initial));
    }
    struct shape output = input;
    output.dim[output.rank - 1] = options->features;
    return layer_add_output(layer, output);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    const struct linear_options *options = layer->options;
    struct shape input = layer_input_shape(layer, 0);
    struct binding bias = {0};
    if (options->bias) {
        bias = tape_parameter(tape, layer, BIAS);
    }
    struct matmul_rows product = {
        .left = matmul_left_rows(tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ), shape_stride(input)),
        .rows = weights_rows(tape, input),
        .right = tape_parameter(tape, layer, WEIGHT),
        .layout = RIGHT_PANELS,
        .columns = options->features,
        .bias = options->bias ? &bias : NULL,
        .epilogue = tape_epilogue(tape),
        .output = tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE)};
    return matmul_rows(tape, &product);
}

static enum status input_gradient(const struct layer *layer, struct tape *tape, int gradient)
{
    struct shape input = layer_input_shape(layer, 0);
    struct shape output = layer_output_shape(layer, 0);
    struct matmul_rows product = {
        .left =
            matmul_left_rows(tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ), shape_stride(output)),
        .rows = weights_rows(tape, output),
        .right = tape_parameter(tape, layer, WEIGHT),
        .layout = RIGHT_TRANSPOSED,
        .columns = shape_channels(input),
        .output = tape_bind(tape, gradient, ACCESS_WRITE)};
    return matmul_rows(tape, &product);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    const struct linear_options *options = layer->options;
    struct shape input = layer_input_shape(layer, 0);
    struct matmul_gradient weight = {
        .left = matmul_left_rows(tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ), shape_stride(input)),
        .right = tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
        .columns = options->features,
        .shard_rows = weights_shard_rows(tape, input)};
    TRY(matmul_gradient(tape, &weight, layer, WEIGHT, options->bias ? BIAS : -1));
    int gradient;
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    return gradient == TENSOR_NONE ? STATUS_OK : input_gradient(layer, tape, gradient);
}

static const struct option options[] = {
    {
        .name = "features",
        .type = OPTION_INT,
        .offset = offsetof(struct linear_options, features),
        .fallback = "0",
        .min = 0,
        .max = 1 << 24,
        .help = "channels of the output; 0: what the data asks of a head, its classes or the channels of its target",
    },
    WEIGHTS_OPTION_BIAS(struct linear_options),
    WEIGHTS_OPTION_INITIAL(struct linear_options),
    OPTIONS_END,
};

const struct layer_type layer_linear = {
    .name = "linear",
    .help = "a weighted sum of all channels for every output",
    .options = options,
    .options_size = sizeof(struct linear_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .epilogue = EPILOGUE_NORMALISE,
};
