#include "compute/kernels/depthwise.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/range.h"
#include "shaders/conv2d_depthwise.h"

enum { MAX_POSITIONS = 49, MAX_SUMS = 25 }; /* of a kernel: the weights of all are held, or their gradients */

enum { MIN_CHUNK = 16 }; /* blocks */

enum direction { FORWARD, BACKWARD };

/* Rows or columns that a block of `made` reads along an axis; the shader's READ_ROWS and READ_COLUMNS. */
static int64_t count_read(const struct window *window, int axis, enum direction direction, int64_t made)
{
    int64_t reach = (window->kernel[axis] - 1) * window->dilation[axis];
    int64_t stride = window->stride[axis];
    if (direction == FORWARD) {
        return (made - 1) * stride + reach + 1;
    }
    return (made - 1 + reach) / stride + 2; /* or one less */
}

/* Rows of a block; 0: no block is small enough. */
static int64_t block_rows(const struct grouped *grouped, enum direction direction)
{
    const struct window *window = &grouped->window;
    if (shape_channels(grouped->input) != grouped->groups || shape_channels(grouped->output) != grouped->groups ||
        window->kernel[0] * window->kernel[1] > MAX_POSITIONS ||
        count_read(window, 1, direction, DEPTHWISE_COLUMNS) > DEPTHWISE_READ) {
        return 0;
    }
    /* Backward: which gradients a position takes is the same in every block. */
    bool even = direction == FORWARD || DEPTHWISE_COLUMNS % window->stride[1] == 0;
    for (int64_t rows = DEPTHWISE_ROWS; rows > 0 && even; rows /= 2) {
        if (count_read(window, 0, direction, rows) <= DEPTHWISE_READ &&
            (direction == FORWARD || rows % window->stride[0] == 0)) {
            return rows;
        }
    }
    return 0;
}

bool depthwise_can_forward(const struct grouped *grouped)
{
    return block_rows(grouped, FORWARD) > 0;
}

bool depthwise_can_backward(const struct grouped *grouped)
{
    return block_rows(grouped, BACKWARD) > 0;
}

static double flops_of(const struct tape *tape, const struct grouped *grouped)
{
    return 2.0 * (double)geometry_samples(&tape->geometry) * (double)shape_count(grouped->output) *
           (double)(grouped->window.kernel[0] * grouped->window.kernel[1]);
}

/* Blocks of a line, and lines of blocks of a sample. */
static int64_t blocks_of(struct shape shape)
{
    return divide_up_count(shape_width(shape), DEPTHWISE_COLUMNS);
}

static int64_t lines_of(struct shape shape, int64_t rows)
{
    return divide_up_count(shape_height(shape), rows);
}

/* Vectors before a line of blocks, counted over all samples; the last line of a sample may be short. */
static int64_t line_start(struct shape made, int64_t rows, int64_t line)
{
    int64_t lines = lines_of(made, rows);
    int64_t row = line / lines * shape_height(made) + line % lines * rows;
    return row * shape_width(made) * shape_stride(made) / 4;
}

/* Appends `dispatch`, which makes an image in its last binding: as often as the limit of storage buffers asks for. */
static enum status make_image(struct tape *tape, struct shape made, struct shape read, int64_t rows,
                              struct dispatch dispatch)
{
    int64_t vectors = shape_stride(made) / 4;
    int64_t blocks = blocks_of(made);
    int64_t lines = lines_of(made, rows);
    int64_t total = geometry_samples(&tape->geometry) * lines;
    int64_t row = shape_width(made) * vectors;
    int64_t step = (RANGE_MAX_VECTORS - RANGE_ALIGNMENT) / (row * rows);
    if (step == 0 || total * blocks * vectors > INT32_MAX) {
        return fail(STATUS_BAD_INPUT, "images of rows of %lld MiB, or a batch of them, are too large for one device",
                    (long long)(row * VECTOR_SIZE >> 20));
    }
    double flops = dispatch.flops;
    struct binding *result = &dispatch.bindings[dispatch.binding_count - 1];
    struct binding whole = *result;
    for (int64_t first = 0; first < total; first += step) {
        int64_t end = total - first < step ? total : first + step;
        int64_t begin = line_start(made, rows, first) / RANGE_ALIGNMENT * RANGE_ALIGNMENT;
        struct conv2d_depthwise_push push = {.count = (uint)((end - first) * blocks * vectors),
                                             .first_line = (uint)first,
                                             .made_first = (uint)begin,
                                             .vectors = divisor_of(vectors),
                                             .blocks = divisor_of(blocks),
                                             .lines = divisor_of(lines),
                                             .made_height = (uint)shape_height(made),
                                             .made_width = (uint)shape_width(made),
                                             .read_height = (uint)shape_height(read),
                                             .read_width = (uint)shape_width(read),
                                             .channels = (uint)shape_channels(made)};
        *result = binding_part(whole, begin * VECTOR_SIZE, (line_start(made, rows, end) - begin) * VECTOR_SIZE);
        dispatch.flops = flops * (double)(end - first) / (double)total;
        dispatch_push(&dispatch, push);
        dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
        TRY(tape_dispatch(tape, &dispatch));
    }
    return STATUS_OK;
}

static enum status make(struct tape *tape, const struct grouped *grouped, const struct grouped_bindings *bindings,
                        enum direction direction)
{
    int64_t rows = block_rows(grouped, direction);
    struct dispatch dispatch = {
        .kernel = "conv2d_depthwise",
        .bindings = {bindings->image, bindings->weight, bindings->bias != NULL ? *bindings->bias : bindings->weight},
        .binding_count = 3,
        .flops = flops_of(tape, grouped)};
    dispatch.constants[0] = direction;
    dispatch.constants[1] = (uint32_t)rows;
    dispatch.constants[2] = bindings->bias != NULL;
    grouped_set_window(grouped, &dispatch);
    epilogue_add(&dispatch, dispatch.constant_count, bindings->epilogue);
    dispatch.bindings[dispatch.binding_count++] = bindings->result;
    return direction == FORWARD ? make_image(tape, grouped->output, grouped->input, rows, dispatch)
                                : make_image(tape, grouped->input, grouped->output, rows, dispatch);
}

enum status depthwise_forward(struct tape *tape, const struct grouped *grouped, const struct grouped_bindings *bindings)
{
    return make(tape, grouped, bindings, FORWARD);
}

enum status depthwise_backward(struct tape *tape, const struct grouped *grouped,
                               const struct grouped_bindings *bindings)
{
    return make(tape, grouped, bindings, BACKWARD);
}

struct grouped_chunks depthwise_chunks(const struct tape *tape, const struct grouped *grouped)
{
    int64_t rows = block_rows(grouped, FORWARD);
    if (rows == 0 || grouped->window.kernel[0] * grouped->window.kernel[1] > MAX_SUMS) {
        return (struct grouped_chunks){0};
    }
    int64_t sample_blocks = lines_of(grouped->output, rows) * blocks_of(grouped->output);
    return grouped_cut(tape->geometry.shard_samples * sample_blocks, MIN_CHUNK);
}

enum status depthwise_sum_chunks(struct tape *tape, const struct grouped *grouped, struct binding input,
                                 struct binding output_gradient, int64_t step, struct binding sums)
{
    struct grouped_chunks chunks = depthwise_chunks(tape, grouped);
    int64_t rows = block_rows(grouped, FORWARD);
    int64_t vectors = shape_stride(grouped->output) / 4;
    int64_t size = step * (int64_t)sizeof(float);
    int64_t total = tape->geometry.shard_count * chunks.count;
    int64_t most = DISPATCH_MAX_STORAGE / size; /* chunks a dispatch */
    if (most == 0) {
        return fail(STATUS_BAD_INPUT, "weights of %lld MiB; at most %d are possible", (long long)(size >> 20),
                    DISPATCH_MAX_STORAGE >> 20);
    }
    struct dispatch dispatch = {
        .kernel = "conv2d_depthwise_weight", .bindings = {input, output_gradient, sums}, .binding_count = 3};
    dispatch.constants[1] = (uint32_t)rows;
    grouped_set_window(grouped, &dispatch);
    for (int64_t first = 0; first < total; first += most) {
        int64_t count = total - first < most ? total - first : most;
        struct conv2d_depthwise_weight_push push = {.count = (uint)(count * vectors),
                                                    .first_chunk = (uint)first,
                                                    .step = (uint)(step / 4),
                                                    .vectors = divisor_of(vectors),
                                                    .chunks = divisor_of(chunks.count),
                                                    .shard_blocks = (uint)chunks.shard_blocks,
                                                    .chunk_blocks = (uint)chunks.blocks,
                                                    .blocks = divisor_of(blocks_of(grouped->output)),
                                                    .lines = divisor_of(lines_of(grouped->output, rows)),
                                                    .output_height = (uint)shape_height(grouped->output),
                                                    .output_width = (uint)shape_width(grouped->output),
                                                    .input_height = (uint)shape_height(grouped->input),
                                                    .input_width = (uint)shape_width(grouped->input),
                                                    .channels = (uint)shape_channels(grouped->output)};
        dispatch.bindings[2] = binding_part(sums, first * size, count * size);
        dispatch.flops = flops_of(tape, grouped) * (double)count / (double)total;
        dispatch_push(&dispatch, push);
        dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
        TRY(tape_dispatch(tape, &dispatch));
    }
    return STATUS_OK;
}
