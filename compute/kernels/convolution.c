#include "compute/kernels/convolution.h"

#include "base/memory.h"
#include "compute/kernels/col2im.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/weights.h"
#include "compute/kernels/winograd.h"

static int64_t positions_of(const struct convolution *convolution)
{
    return convolution->window.kernel[0] * convolution->window.kernel[1];
}

/* From one kernel position to the next, in the rows of the weights. */
static int64_t weight_step(int64_t inputs)
{
    return inputs == 1 ? 1 : shape_stride(shape_vector(inputs));
}

static int64_t weight_depth(int64_t inputs, int64_t positions)
{
    return round_up_count(positions * weight_step(inputs), 4);
}

int64_t convolution_weight_elements(const struct convolution *convolution)
{
    return panels_elements(weight_depth(shape_channels(convolution->input), positions_of(convolution)),
                           shape_channels(convolution->output));
}

/* index: output, input, kernel position. */
int64_t convolution_weight_place(int64_t outputs, int64_t inputs, int64_t positions, const int64_t index[3])
{
    return panels_place(weight_depth(inputs, positions), outputs, index[2] * weight_step(inputs) + index[1], index[0]);
}

static bool use_winograd(const struct convolution *convolution, bool pays)
{
    return winograd_can(&convolution->window, convolution->input, convolution->output) &&
           (convolution->algorithm == CONVOLUTION_WINOGRAD || (convolution->algorithm == CONVOLUTION_AUTO && pays));
}

static struct winograd winograd_of(const struct convolution *convolution)
{
    const int64_t *padding = convolution->window.padding;
    return (struct winograd){
        .padding = {padding[0], padding[1]}, .input = convolution->input, .output = convolution->output};
}

static struct matmul_left left_of(const struct convolution *convolution, struct binding image)
{
    return shape_channels(convolution->input) == 1
               ? matmul_left_single(image, &convolution->window, convolution->output, convolution->input)
               : matmul_left_windows(image, &convolution->window, convolution->output, convolution->input);
}

enum status convolution_forward(struct tape *tape, const struct convolution *convolution,
                                const struct convolution_bindings *bindings)
{
    struct winograd winograd = winograd_of(convolution);
    if (use_winograd(convolution, winograd_pays(&winograd, &tape->geometry))) {
        struct winograd_bindings used = {.image = bindings->image,
                                         .weight = bindings->weight,
                                         .bias = bindings->bias,
                                         .epilogue = bindings->epilogue,
                                         .result = bindings->result};
        return winograd_convolve(tape, &winograd, &used);
    }
    struct matmul_rows product = {.left = left_of(convolution, bindings->image),
                                  .rows = weights_rows(tape, convolution->output),
                                  .right = bindings->weight,
                                  .layout = RIGHT_PANELS,
                                  .columns = shape_channels(convolution->output),
                                  .bias = bindings->bias,
                                  .epilogue = bindings->epilogue,
                                  .output = bindings->result};
    return matmul_rows(tape, &product);
}

enum status convolution_weight_gradient(struct tape *tape, const struct convolution *convolution, struct binding input,
                                        struct binding output_gradient, const struct layer *layer, int weight, int bias)
{
    struct winograd winograd = winograd_of(convolution);
    if (use_winograd(convolution, winograd_gradient_pays(tape, &winograd))) {
        TRY(winograd_weight_gradient(tape, &winograd, input, output_gradient, layer, weight));
        return bias < 0 ? STATUS_OK : weights_bias_gradient(layer, tape, bias);
    }
    struct matmul_gradient product = {.left = left_of(convolution, input),
                                      .right = output_gradient,
                                      .columns = shape_channels(convolution->output),
                                      .shard_rows = weights_shard_rows(tape, convolution->output)};
    return matmul_gradient(tape, &product, layer, weight, bias);
}

/*
 * The gradient to the input. Input position y takes part in output (y + padding - i * dilation) / stride by kernel
 * position i, where that is whole. So positions y = stride * m + first, for each `first` below the stride, meet the
 * same kernel positions, i = least, least + step ..., and with those, in reverse, their gradients are a convolution of
 * stride 1 over the outputs; its results go to every stride-th position.
 */
struct phase_axis {
    int64_t first;       /* input position */
    int64_t made;        /* input positions from there on */
    int64_t least, step; /* kernel positions */
    int64_t count;       /* of them, may be 0 */
    int64_t padding, dilation;
};

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    return b == 0 ? a : greatest_divisor(b, a % b);
}

static struct phase_axis make_phase(const struct window *window, int axis, int64_t first, int64_t size)
{
    int64_t stride = window->stride[axis];
    int64_t dilation = window->dilation[axis];
    int64_t common = greatest_divisor(stride, dilation);
    int64_t place = first + window->padding[axis];
    struct phase_axis phase = {.first = first,
                               .made = divide_up_count(size - first, stride),
                               .step = stride / common,
                               .dilation = dilation / common};
    while (phase.least < window->kernel[axis] && (place - phase.least * dilation) % stride != 0) {
        phase.least++;
    }
    if (phase.least < window->kernel[axis]) {
        phase.count = divide_up_count(window->kernel[axis] - phase.least, phase.step);
        phase.padding = (phase.count - 1) * phase.dilation - (place - phase.least * dilation) / stride;
    }
    return phase;
}

static enum status add_phase(struct tape *tape, const struct convolution *convolution,
                             const struct convolution_bindings *bindings, const struct phase_axis axes[2])
{
    int64_t inputs = shape_channels(convolution->input);
    int64_t outputs = shape_stride(convolution->output);
    int64_t width = convolution->window.kernel[1];
    struct window window = {.stride = {1, 1}};
    struct matmul_transpose transpose = {.source = bindings->weight,
                                         .layout = RIGHT_PANELS,
                                         .source_rows = weight_depth(inputs, positions_of(convolution)),
                                         .rows = weight_step(inputs),
                                         .columns = outputs,
                                         .step = {axes[0].step * width, axes[1].step}};
    struct matmul_scatter places = {.image = convolution->input};
    for (int axis = 0; axis < 2; axis++) {
        window.kernel[axis] = axes[axis].count;
        window.padding[axis] = axes[axis].padding;
        window.dilation[axis] = axes[axis].dilation;
        transpose.size[axis] = axes[axis].count;
        transpose.first += (axes[axis].least + (axes[axis].count - 1) * axes[axis].step) * (axis == 0 ? width : 1);
        places.stride[axis] = convolution->window.stride[axis];
        places.first[axis] = axes[axis].first;
    }
    struct shape made = shape_image(inputs, axes[0].made, axes[1].made);
    bool all = places.stride[0] == 1 && places.stride[1] == 1;
    struct winograd winograd = {
        .padding = {window.padding[0], window.padding[1]}, .input = convolution->output, .output = made};
    if (all && use_winograd(convolution, winograd_pays(&winograd, &tape->geometry))) {
        struct winograd_bindings used = {
            .image = bindings->image, .weight = bindings->weight, .transposed = true, .result = bindings->result};
        return winograd_convolve(tape, &winograd, &used);
    }
    int transposed;
    TRY(tape_scratch(tape, "transposed weights",
                     (uint64_t)panels_elements(axes[0].count * axes[1].count * outputs, inputs) * sizeof(float),
                     &transposed));
    transpose.output = tape_bind(tape, transposed, ACCESS_WRITE);
    TRY(matmul_transpose(tape, &transpose));
    struct matmul_rows product = {.left = matmul_left_windows(bindings->image, &window, made, convolution->output),
                                  .rows = weights_rows(tape, made),
                                  .right = tape_bind(tape, transposed, ACCESS_READ),
                                  .layout = RIGHT_PANELS,
                                  .columns = inputs,
                                  .output = bindings->result,
                                  .scatter = all ? NULL : &places};
    /* As many products as forward, which are fewer than the window's where borders leave gaps. */
    product.left.useful_depth *= (double)(shape_positions(convolution->output) * places.stride[0] * places.stride[1]) /
                                 (double)shape_positions(convolution->input);
    return matmul_rows(tape, &product);
}

/* Positions that no output was made of: everything is set to 0 before the phases write theirs. */
static enum status add_zeros(struct tape *tape, const struct convolution *convolution,
                             const struct convolution_bindings *bindings)
{
    static const struct window one = {.kernel = {1, 1}, .stride = {1, 1}, .dilation = {1, 1}};
    struct shape nothing = shape_image(1, 0, 0); /* of one channel: sums of as few zeros as can be */
    struct matmul_rows product = {.left = matmul_left_windows(bindings->image, &one, convolution->input, nothing),
                                  .rows = weights_rows(tape, convolution->input),
                                  .right = bindings->weight,
                                  .layout = RIGHT_PANELS,
                                  .columns = shape_channels(convolution->input),
                                  .output = bindings->result};
    product.left.useful_depth = 0;
    return matmul_rows(tape, &product);
}

/* What shaders keep in 16 bits, and how many dispatches are too many. */
enum { MAX_PAIR = 32767, MAX_PHASES = 4096 };

static enum status check_phases(const struct convolution *convolution)
{
    const struct window *window = &convolution->window;
    int64_t phases = 1;
    for (int axis = 0; axis < 2; axis++) {
        int64_t size = axis == 0 ? shape_height(convolution->input) : shape_width(convolution->input);
        phases *= window->stride[axis] < window->kernel[axis] ? window->stride[axis] : window->kernel[axis];
        if (size > MAX_PAIR || window->dilation[axis] * window->kernel[axis] > MAX_PAIR) {
            return fail(STATUS_BAD_INPUT,
                        "the gradient of a convolution over %lld positions with a kernel that reaches "
                        "over %lld; at most %d are possible",
                        (long long)size, (long long)(window->dilation[axis] * window->kernel[axis]), MAX_PAIR);
        }
    }
    if (phases > MAX_PHASES) {
        return fail(STATUS_BAD_INPUT,
                    "the gradient of a convolution with stride %lld x %lld; the product of both is at "
                    "most %d, but for small kernels",
                    (long long)window->stride[0], (long long)window->stride[1], MAX_PHASES);
    }
    return STATUS_OK;
}

static bool leaves_gaps(const struct convolution *convolution)
{
    for (int axis = 0; axis < 2; axis++) {
        int64_t size = axis == 0 ? shape_height(convolution->input) : shape_width(convolution->input);
        for (int64_t first = 0; first < convolution->window.stride[axis] && first < size; first++) {
            if (make_phase(&convolution->window, axis, first, size).count == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Multiply-adds of a sample, phase by phase, with what rounding to tiles adds. */
static double phase_products(const struct convolution *convolution)
{
    const struct window *window = &convolution->window;
    double taps[2] = {0, 0};
    for (int axis = 0; axis < 2; axis++) {
        int64_t size = axis == 0 ? shape_height(convolution->input) : shape_width(convolution->input);
        for (int64_t first = 0; first < window->stride[axis] && first < size; first++) {
            struct phase_axis phase = make_phase(window, axis, first, size);
            taps[axis] += (double)(phase.made * phase.count);
        }
    }
    int64_t columns = round_up_count(shape_channels(convolution->input), CONVOLUTION_TILE_COLUMNS);
    return taps[0] * taps[1] * (double)shape_stride(convolution->output) * (double)columns;
}

/* Whether the gradient goes by Winograd's algorithm, as a convolution over the outputs. */
static bool backward_uses_winograd(const struct tape *tape, const struct convolution *convolution)
{
    struct winograd winograd = {.padding = {2 - convolution->window.padding[0], 2 - convolution->window.padding[1]},
                                .input = convolution->output,
                                .output = convolution->input};
    return use_winograd(convolution, winograd_pays(&winograd, &tape->geometry));
}

enum status convolution_backward(struct tape *tape, const struct convolution *convolution,
                                 const struct convolution_bindings *bindings)
{
    const struct window *window = &convolution->window;
    int64_t height = shape_height(convolution->input);
    int64_t width = shape_width(convolution->input);
    /* GPUs cut sums by how many rows there are, and here that is as many as a chunk's: the bits would depend on it. */
    if (tape->device_class == CLASS_CPU && convolution->algorithm == CONVOLUTION_AUTO &&
        !backward_uses_winograd(tape, convolution) && col2im_pays(convolution, phase_products(convolution))) {
        return col2im_backward(tape, convolution, bindings);
    }
    TRY(check_phases(convolution));
    if (leaves_gaps(convolution)) {
        TRY(add_zeros(tape, convolution, bindings));
    }
    for (int64_t y = 0; y < window->stride[0] && y < height; y++) {
        for (int64_t x = 0; x < window->stride[1] && x < width; x++) {
            struct phase_axis axes[2] = {make_phase(window, 0, y, height), make_phase(window, 1, x, width)};
            if (axes[0].count > 0 && axes[1].count > 0) {
                TRY(add_phase(tape, convolution, bindings, axes));
            }
        }
    }
    return STATUS_OK;
}
