#include "compute/kernels/col2im.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/range.h"
#include "compute/kernels/weights.h"
#include "shaders/col2im.h"

/* What writing a float, and reading it again, weighs in multiply-adds; measured on a CPU. */
static const double TRAFFIC = 24;

/* As many as weights of an output have (compute/kernels/convolution.h). */
static int64_t row_floats(const struct convolution *convolution)
{
    int64_t positions = convolution->window.kernel[0] * convolution->window.kernel[1];
    bool single = shape_channels(convolution->input) == 1;
    return single ? round_up_count(positions, 4) : positions * shape_stride(convolution->input);
}

/* Bytes of the rows of one sample. */
static int64_t sample_size(const struct convolution *convolution)
{
    return shape_positions(convolution->output) * row_floats(convolution) * (int64_t)sizeof(float);
}

/* Samples from one image that begins at an aligned offset to the next. */
static int64_t aligned_samples(const struct convolution *convolution)
{
    return range_aligned(shape_elements(convolution->input, DTYPE_FLOAT32) * (int64_t)sizeof(float));
}

static double padded(int64_t count, int64_t unit)
{
    return (double)round_up_count(count, unit);
}

bool col2im_pays(const struct convolution *convolution, double other)
{
    const struct window *window = &convolution->window;
    /* With gaps in the kernel, steps from window to window would not divide evenly. */
    if (window->dilation[0] != 1 || window->dilation[1] != 1 ||
        sample_size(convolution) * aligned_samples(convolution) > DISPATCH_MAX_STORAGE) {
        return false;
    }
    double products = padded(shape_stride(convolution->output), MATMUL_STEP) *
                      padded(row_floats(convolution), CONVOLUTION_TILE_COLUMNS);
    double traffic = TRAFFIC * (double)row_floats(convolution);
    return (double)shape_positions(convolution->output) * (products + traffic) < other;
}

static struct col2im_push make_push(const struct convolution *convolution, int64_t first_sample)
{
    const struct window *window = &convolution->window;
    return (struct col2im_push){.channels = divisor_of(shape_stride(convolution->input) / 4),
                                .width = divisor_of(shape_width(convolution->input)),
                                .height = divisor_of(shape_height(convolution->input)),
                                .stride_height = divisor_of(window->stride[0]),
                                .stride_width = divisor_of(window->stride[1]),
                                .kernel_height = (uint)window->kernel[0],
                                .kernel_width = (uint)window->kernel[1],
                                .padding_height = (uint)window->padding[0],
                                .padding_width = (uint)window->padding[1],
                                .read_height = (uint)shape_height(convolution->output),
                                .read_width = (uint)shape_width(convolution->output),
                                .row_vectors = (uint)(row_floats(convolution) / 4),
                                .first_sample = (uint)first_sample};
}

enum status col2im_backward(struct tape *tape, const struct convolution *convolution,
                            const struct convolution_bindings *bindings)
{
    int64_t outputs = shape_stride(convolution->output);
    int64_t positions = shape_positions(convolution->output);
    int64_t depth = row_floats(convolution);
    int64_t image_size = shape_elements(convolution->input, DTYPE_FLOAT32) * (int64_t)sizeof(float);
    int64_t unit = aligned_samples(convolution);
    int64_t total = geometry_samples(&tape->geometry);
    int64_t step = tape->tuning->col2im_chunk / sample_size(convolution) / unit * unit;
    step = step < unit ? unit : step;
    step = step < total ? step : total;
    int transposed;
    int rows;
    TRY(tape_scratch(tape, "transposed weights", (uint64_t)panels_elements(outputs, depth) * sizeof(float),
                     &transposed));
    TRY(tape_scratch(tape, "columns", (uint64_t)(step * sample_size(convolution)), &rows));
    struct matmul_transpose transpose = {.source = bindings->weight,
                                         .layout = RIGHT_PANELS,
                                         .source_rows = depth,
                                         .rows = depth,
                                         .columns = outputs,
                                         .size = {1, 1},
                                         .output = tape_bind(tape, transposed, ACCESS_WRITE)};
    TRY(matmul_transpose(tape, &transpose));
    for (int64_t first = 0; first < total; first += step) {
        int64_t samples = total - first < step ? total - first : step;
        struct matmul_rows product = {.left = matmul_left_rows(bindings->image, outputs),
                                      .first_row = first * positions,
                                      .rows = samples * positions,
                                      .right = tape_bind(tape, transposed, ACCESS_READ),
                                      .layout = RIGHT_PANELS,
                                      .columns = depth,
                                      .output = tape_bind(tape, rows, ACCESS_WRITE)};
        product.output.size = (uint64_t)(samples * sample_size(convolution));
        /* As a user counts: without padding. */
        product.left.useful_depth = (double)shape_channels(convolution->output) *
                                    (double)(convolution->window.kernel[0] * convolution->window.kernel[1] *
                                             shape_channels(convolution->input)) /
                                    (double)depth;
        TRY(matmul_rows(tape, &product));
        struct col2im_push push = make_push(convolution, first);
        struct dispatch dispatch = {
            .kernel = "col2im",
            .bindings = {tape_bind(tape, rows, ACCESS_READ),
                         binding_part(bindings->result, first * image_size, samples * image_size)},
            .binding_count = 2,
            .constants = {shape_channels(convolution->input) == 1},
            .constant_count = 1};
        push.part.first = (uint)(first * image_size / VECTOR_SIZE);
        push.part.count = (uint)(samples * image_size / VECTOR_SIZE);
        dispatch_push(&dispatch, push);
        dispatch_groups(&dispatch, divide_up(push.part.count, RANGE_LOCAL_SIZE));
        TRY(tape_dispatch(tape, &dispatch));
    }
    return STATUS_OK;
}
