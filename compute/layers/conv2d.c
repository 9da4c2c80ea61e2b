/*
 * Convolution of an image, as in PyTorch: output channel o at (y, x) is, over kernel positions (i, j) and the input
 * channels c of o's group,
 *
 *     y[o][y][x] = b[o] + sum of W[o][c][i][j] * x[c][y * stride - padding + i * dilation][x ...]
 *     dx[c]      = the sum over the outputs that x[c][...] went into of W[o][c][i][j] * dy[o]
 *     dW[o][c][i][j] = sum over samples and positions of x[c][...] * dy[o]        db = sum of dy
 *
 * Without groups these are products of matrices with the image gathered on the way (compute/kernels/convolution.h), or
 * go by Winograd's algorithm (compute/kernels/winograd.h); with groups there are direct kernels
 * (compute/kernels/grouped.h).
 */
#include <string.h>

#include "compute/kernels/convolution.h"
#include "compute/kernels/grouped.h"
#include "compute/kernels/weights.h"
#include "compute/kernels/winograd.h"

enum { WEIGHT, BIAS };
enum { MAX_SIZE = 16384 }; /* of a kernel, a stride, a padding */

struct conv2d_options {
    int64_t channels;
    int64_t kernel[2];
    int64_t stride[2];
    char *padding;
    int64_t dilation[2];
    int64_t groups;
    bool bias;
    int initial;
    int algorithm;
};

static const char *const algorithms[] = {
    [CONVOLUTION_AUTO] = "auto", [CONVOLUTION_DIRECT] = "direct", [CONVOLUTION_WINOGRAD] = "winograd", NULL};

static enum status parse_padding(const struct layer *layer, int64_t padding[2])
{
    static const struct option pair = {
        .name = "padding", .type = OPTION_PAIR, .offset = 0, .fallback = "0", .min = 0, .max = MAX_SIZE};
    const struct conv2d_options *options = layer->options;
    enum status status = option_parse(&pair, options->padding, padding);
    return status == STATUS_OK ? STATUS_OK : layer_fail(layer, "%s, or \"same\"", status_message());
}

static enum status make_window(const struct layer *layer, struct window *window)
{
    const struct conv2d_options *options = layer->options;
    memcpy(window->kernel, options->kernel, sizeof window->kernel);
    memcpy(window->stride, options->stride, sizeof window->stride);
    memcpy(window->dilation, options->dilation, sizeof window->dilation);
    if (strcmp(options->padding, "same") != 0) {
        return parse_padding(layer, window->padding);
    }
    for (int axis = 0; axis < 2; axis++) {
        window->padding[axis] = window->dilation[axis] * (window->kernel[axis] - 1) / 2;
    }
    return STATUS_OK;
}

static enum status make_convolution(const struct layer *layer, struct convolution *convolution)
{
    const struct conv2d_options *options = layer->options;
    *convolution = (struct convolution){.input = layer_input_shape(layer, 0),
                                        .output = layer_output_shape(layer, 0),
                                        .algorithm = (enum convolution_algorithm)options->algorithm};
    return make_window(layer, &convolution->window);
}

static struct grouped make_grouped(const struct layer *layer, const struct convolution *convolution)
{
    const struct conv2d_options *options = layer->options;
    return (struct grouped){.window = convolution->window,
                            .groups = options->groups,
                            .input = convolution->input,
                            .output = convolution->output};
}

static int64_t place_weight(const struct parameter *parameter, const int64_t *index)
{
    const int64_t *dim = parameter->dim;
    const int64_t place[3] = {index[0], index[1], index[2] * dim[3] + index[3]};
    return convolution_weight_place(dim[0], dim[1], dim[2] * dim[3], place);
}

static int64_t place_grouped_weight(const struct parameter *parameter, const int64_t *index)
{
    const int64_t *dim = parameter->dim;
    return grouped_place(dim[0], dim[1], index[0], index[1], index[2] * dim[3] + index[3]);
}

static enum status infer_size(struct layer *layer, const struct window *window, struct shape *output)
{
    const struct conv2d_options *options = layer->options;
    struct shape input = layer_input_shape(layer, 0);
    bool same = strcmp(options->padding, "same") == 0;
    char text[SHAPE_TEXT_SIZE];
    *output = shape_image(options->channels, 0, 0);
    for (int axis = 0; axis < 2; axis++) {
        int64_t size = input.dim[1 + axis];
        int64_t reach = window->dilation[axis] * (window->kernel[axis] - 1) + 1;
        if (same && window->stride[axis] != 1) {
            return layer_fail(layer, "padding = same needs stride = 1");
        }
        if (!same && size + 2 * window->padding[axis] < reach) {
            return layer_fail(layer, "the kernel %lld x %lld, dilated, does not fit into the input %s with its padding",
                              (long long)window->kernel[0], (long long)window->kernel[1], shape_format(input, text));
        }
        output->dim[1 + axis] = same ? size : (size + 2 * window->padding[axis] - reach) / window->stride[axis] + 1;
    }
    return STATUS_OK;
}

static enum status infer(struct layer *layer)
{
    const struct conv2d_options *options = layer->options;
    struct shape input = layer_input_shape(layer, 0);
    struct shape output;
    struct window window;
    TRY(layer_require_image(layer));
    if (input.dim[0] % options->groups != 0 || options->channels % options->groups != 0) {
        return layer_fail(layer, "groups = %lld must divide the %lld channels of the input and the %lld of the output",
                          (long long)options->groups, (long long)input.dim[0], (long long)options->channels);
    }
    TRY(make_window(layer, &window));
    TRY(infer_size(layer, &window, &output));
    if (options->algorithm == CONVOLUTION_WINOGRAD && (options->groups > 1 || !winograd_can(&window, input, output))) {
        return layer_fail(layer, "algorithm = winograd needs a kernel 3 x 3, stride and dilation 1 and no groups, and "
                                 "images that are not too large");
    }

    int64_t inputs = input.dim[0] / options->groups;
    int64_t positions = window.kernel[0] * window.kernel[1];
    struct parameter weight = {
        .kind = PARAMETER_WEIGHT,
        .rank = 4,
        .dim = {options->channels, inputs, window.kernel[0], window.kernel[1]},
        .initial = initial_by_name(options->initial, inputs * positions, options->channels * positions)};
    if (options->groups == 1) {
        struct convolution convolution = {.window = window, .input = input, .output = output};
        weight.elements = convolution_weight_elements(&convolution);
        weight.place = place_weight;
    } else {
        struct grouped grouped = {.window = window, .groups = options->groups, .input = input, .output = output};
        weight.elements = grouped_elements(&grouped);
        weight.place = place_grouped_weight;
    }
    TRY(layer_add_parameter(layer, "weight", &weight));
    if (options->bias) {
        TRY(weights_add_bias(layer, options->channels, inputs * positions, options->initial));
    }
    return layer_add_output(layer, output);
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    const struct conv2d_options *options = layer->options;
    struct convolution convolution;
    struct binding bias;
    TRY(make_convolution(layer, &convolution));
    if (options->bias) {
        bias = tape_parameter(tape, layer, BIAS);
    }
    struct binding image = tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ);
    struct binding result = tape_bind(tape, tape_output(tape, layer, 0), ACCESS_WRITE);
    if (options->groups > 1) {
        struct grouped grouped = make_grouped(layer, &convolution);
        struct grouped_bindings bindings = {.image = image,
                                            .weight = tape_parameter(tape, layer, WEIGHT),
                                            .bias = options->bias ? &bias : NULL,
                                            .epilogue = tape_epilogue(tape),
                                            .result = result};
        return grouped_forward(tape, &grouped, &bindings);
    }
    struct convolution_bindings bindings = {.image = image,
                                            .weight = tape_parameter(tape, layer, WEIGHT),
                                            .bias = options->bias ? &bias : NULL,
                                            .epilogue = tape_epilogue(tape),
                                            .result = result};
    return convolution_forward(tape, &convolution, &bindings);
}

static enum status parameter_gradients(const struct layer *layer, struct tape *tape,
                                       const struct convolution *convolution)
{
    const struct conv2d_options *options = layer->options;
    struct binding image = tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ);
    struct binding arriving = tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ);
    if (options->groups > 1) {
        struct grouped grouped = make_grouped(layer, convolution);
        TRY(grouped_weight_gradient(tape, &grouped, image, arriving, layer, WEIGHT));
        return options->bias ? weights_bias_gradient(layer, tape, BIAS) : STATUS_OK;
    }
    return convolution_weight_gradient(tape, convolution, image, arriving, layer, WEIGHT, options->bias ? BIAS : -1);
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    const struct conv2d_options *options = layer->options;
    struct convolution convolution;
    int gradient;
    TRY(make_convolution(layer, &convolution));
    TRY(parameter_gradients(layer, tape, &convolution));
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct binding arriving = tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ);
    if (options->groups > 1) {
        struct grouped grouped = make_grouped(layer, &convolution);
        struct grouped_bindings bindings = {.image = arriving,
                                            .weight = tape_parameter(tape, layer, WEIGHT),
                                            .result = tape_bind(tape, gradient, ACCESS_WRITE)};
        return grouped_backward(tape, &grouped, &bindings);
    }
    struct convolution_bindings bindings = {.image = arriving,
                                            .weight = tape_parameter(tape, layer, WEIGHT),
                                            .result = tape_bind(tape, gradient, ACCESS_WRITE)};
    return convolution_backward(tape, &convolution, &bindings);
}

static const struct option options[] = {
    {
        .name = "channels",
        .type = OPTION_INT,
        .offset = offsetof(struct conv2d_options, channels),
        .min = 1,
        .max = 1 << 20,
        .help = "of the output",
    },
    {
        .name = "kernel",
        .type = OPTION_PAIR,
        .offset = offsetof(struct conv2d_options, kernel),
        .min = 1,
        .max = MAX_SIZE,
        .help = "height x width of the window",
    },
    {
        .name = "stride",
        .type = OPTION_PAIR,
        .offset = offsetof(struct conv2d_options, stride),
        .fallback = "1",
        .min = 1,
        .max = MAX_SIZE,
        .help = "from one window to the next",
    },
    {
        .name = "padding",
        .type = OPTION_STRING,
        .offset = offsetof(struct conv2d_options, padding),
        .fallback = "0",
        .help = "zeros around the image: a number, height x width, or same (the output is as large as the input)",
    },
    {
        .name = "dilation",
        .type = OPTION_PAIR,
        .offset = offsetof(struct conv2d_options, dilation),
        .fallback = "1",
        .min = 1,
        .max = MAX_SIZE,
        .help = "from one position of the window to the next",
    },
    {
        .name = "groups",
        .type = OPTION_INT,
        .offset = offsetof(struct conv2d_options, groups),
        .fallback = "1",
        .min = 1,
        .max = 1 << 20,
        .help = "parts into which channels are cut; each output part sees one input part",
    },
    WEIGHTS_OPTION_BIAS(struct conv2d_options),
    WEIGHTS_OPTION_INITIAL(struct conv2d_options),
    {
        .name = "algorithm",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct conv2d_options, algorithm),
        .fallback = "auto",
        .choices = algorithms,
        .help = "winograd: fewer products for kernels 3 x 3 with stride 1; auto: where it is faster",
    },
    OPTIONS_END,
};

const struct layer_type layer_conv2d = {
    .name = "conv2d",
    .help = "convolution of an image",
    .options = options,
    .options_size = sizeof(struct conv2d_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .epilogue = EPILOGUE_NORMALISE,
};
