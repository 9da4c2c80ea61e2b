#include "compute/kernels/grouped.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/depthwise.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/conv2d_grouped.h"

enum { MIN_CHUNK = 64 }; /* blocks */

static int64_t group_inputs(const struct grouped *grouped)
{
    return shape_channels(grouped->input) / grouped->groups;
}

static int64_t group_outputs(const struct grouped *grouped)
{
    return shape_channels(grouped->output) / grouped->groups;
}

int64_t grouped_place(int64_t outputs, int64_t group_inputs, int64_t output, int64_t input, int64_t position)
{
    return (position * group_inputs + input) * shape_stride(shape_vector(outputs)) + output;
}

static int64_t positions_of(const struct grouped *grouped)
{
    return grouped->window.kernel[0] * grouped->window.kernel[1];
}

int64_t grouped_elements(const struct grouped *grouped)
{
    return positions_of(grouped) * group_inputs(grouped) * shape_stride(grouped->output);
}

static uint32_t mode_of(const struct grouped *grouped)
{
    if (group_inputs(grouped) == 1 && group_outputs(grouped) == 1) {
        return GROUPED_DEPTH;
    }
    return group_inputs(grouped) % 4 == 0 && group_outputs(grouped) % 4 == 0 ? GROUPED_FOURS : GROUPED_ANY;
}

void grouped_set_window(const struct grouped *grouped, struct dispatch *dispatch)
{
    enum { FIRST = 3 };
    const struct window *window = &grouped->window;
    const int64_t values[] = {window->kernel[0],  window->kernel[1],  window->stride[0],   window->stride[1],
                              window->padding[0], window->padding[1], window->dilation[0], window->dilation[1]};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        dispatch->constants[FIRST + i] = (uint32_t)values[i];
    }
    dispatch->constant_count = FIRST + COUNT_OF(values);
}

/* The specialization constants of lib/grouped.glsl. */
static void set_constants(const struct grouped *grouped, struct dispatch *dispatch)
{
    dispatch->constants[0] = mode_of(grouped);
    dispatch->constants[1] = (uint32_t)group_inputs(grouped);
    dispatch->constants[2] = (uint32_t)group_outputs(grouped);
    grouped_set_window(grouped, dispatch);
}

static int64_t blocks_of(struct shape shape)
{
    return divide_up_count(shape_width(shape), GROUPED_BLOCK);
}

static double flops_of(const struct tape *tape, const struct grouped *grouped)
{
    return 2.0 * (double)geometry_samples(&tape->geometry) * (double)shape_count(grouped->output) *
           (double)(positions_of(grouped) * group_inputs(grouped));
}

/* Loops over kernel positions and the channels of a group, in three levels. */
static enum status check_turns(const struct grouped *grouped, int64_t channels)
{
    if (positions_of(grouped) * (channels + 2) > DISPATCH_MAX_TURNS) {
        return fail(STATUS_BAD_INPUT,
                    "a kernel of %lld positions with %lld channels a group; at most %d products of "
                    "both are possible with groups",
                    (long long)positions_of(grouped), (long long)channels, DISPATCH_MAX_TURNS);
    }
    return STATUS_OK;
}

/*
 * Appends `dispatch`, which makes an image of shape `made` in its last binding, line by line: as many dispatches as the
 * limit of storage buffers asks for.
 */
static enum status make_lines(struct tape *tape, const struct grouped *grouped, struct shape made, struct shape read,
                              struct dispatch dispatch)
{
    int64_t lines = geometry_samples(&tape->geometry) * shape_height(made);
    int64_t vectors = shape_stride(made) / 4;
    int64_t size = shape_width(made) * vectors * VECTOR_SIZE;
    int64_t aligned = range_aligned(size);
    int64_t step = lines * size <= DISPATCH_MAX_STORAGE ? lines : DISPATCH_MAX_STORAGE / size / aligned * aligned;
    if (step == 0) {
        return fail(STATUS_BAD_INPUT, "rows of images of %lld MiB; less than %d are possible", (long long)(size >> 20),
                    DISPATCH_MAX_STORAGE / TENSOR_ALIGNMENT >> 20);
    }
    double flops = dispatch.flops;
    struct binding *result = &dispatch.bindings[dispatch.binding_count - 1];
    struct binding whole = *result;
    for (int64_t first = 0; first < lines; first += step) {
        int64_t count = lines - first < step ? lines - first : step;
        struct conv2d_grouped_push push = {.count = (uint)(count * blocks_of(made) * vectors),
                                           .first_line = (uint)first,
                                           .made_vectors = divisor_of(vectors),
                                           .made_blocks = divisor_of(blocks_of(made)),
                                           .made_height = divisor_of(shape_height(made)),
                                           .made_width = (uint)shape_width(made),
                                           .made_channels = (uint)shape_channels(made),
                                           .read_height = (uint)shape_height(read),
                                           .read_width = (uint)shape_width(read),
                                           .read_vectors = (uint)(shape_stride(read) / 4),
                                           .weight_vectors = (uint)(shape_stride(grouped->output) / 4)};
        *result = binding_part(whole, first * size, count * size);
        dispatch.flops = flops * (double)count / (double)lines;
        dispatch_push(&dispatch, push);
        dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
        TRY(tape_dispatch(tape, &dispatch));
    }
    return STATUS_OK;
}

enum status grouped_forward(struct tape *tape, const struct grouped *grouped, const struct grouped_bindings *bindings)
{
    if (depthwise_can_forward(grouped)) {
        return depthwise_forward(tape, grouped, bindings);
    }
    TRY(check_turns(grouped, group_inputs(grouped)));
    struct dispatch dispatch = {
        .kernel = "conv2d_grouped_forward",
        .bindings = {bindings->image, bindings->weight, bindings->bias != NULL ? *bindings->bias : bindings->weight},
        .binding_count = 3,
        .flops = flops_of(tape, grouped)};
    set_constants(grouped, &dispatch);
    dispatch.constants[dispatch.constant_count++] = bindings->bias != NULL;
    epilogue_add(&dispatch, dispatch.constant_count, bindings->epilogue);
    dispatch.bindings[dispatch.binding_count++] = bindings->result;
    return make_lines(tape, grouped, grouped->output, grouped->input, dispatch);
}

enum status grouped_backward(struct tape *tape, const struct grouped *grouped, const struct grouped_bindings *bindings)
{
    if (depthwise_can_backward(grouped)) {
        return depthwise_backward(tape, grouped, bindings);
    }
    TRY(check_turns(grouped, group_outputs(grouped)));
    struct dispatch dispatch = {.kernel = "conv2d_grouped_backward",
                                .bindings = {bindings->image, bindings->weight, bindings->result},
                                .binding_count = 3,
                                .flops = flops_of(tape, grouped)};
    set_constants(grouped, &dispatch);
    return make_lines(tape, grouped, grouped->input, grouped->output, dispatch);
}

struct grouped_chunks grouped_cut(int64_t shard_blocks, int64_t least_blocks)
{
    int64_t blocks = reduce_chunk_rows(shard_blocks, least_blocks);
    blocks = blocks < shard_blocks ? blocks : shard_blocks;
    return (struct grouped_chunks){
        .shard_blocks = shard_blocks, .blocks = blocks, .count = divide_up_count(shard_blocks, blocks)};
}

/* sums[shard][chunk][weight], `chunk_floats` from one chunk's to the next one's */
static enum status sum_chunks(struct tape *tape, const struct grouped *grouped, const struct grouped_chunks *chunks,
                              int64_t chunk_floats, struct dispatch dispatch)
{
    int64_t kernel_width = grouped->window.kernel[1];
    int64_t part_width = kernel_width < GROUPED_MAX_WIDTH ? kernel_width : GROUPED_MAX_WIDTH;
    int64_t parts = divide_up_count(kernel_width, part_width);
    int64_t vectors = shape_stride(grouped->output) / 4;
    int64_t elements = grouped->window.kernel[0] * parts * group_inputs(grouped) * vectors;
    int64_t size = chunk_floats * (int64_t)sizeof(float);
    int64_t total = tape->geometry.shard_count * chunks->count;
    int64_t step = DISPATCH_MAX_STORAGE / size < total ? DISPATCH_MAX_STORAGE / size : total;
    if (step == 0) {
        return fail(STATUS_BAD_INPUT, "weights of %lld MiB; at most %d are possible", (long long)(size >> 20),
                    DISPATCH_MAX_STORAGE >> 20);
    }
    set_constants(grouped, &dispatch);
    dispatch.constants[dispatch.constant_count++] = (uint32_t)part_width;
    struct binding sums = dispatch.bindings[2];
    for (int64_t first = 0; first < total; first += step) {
        int64_t count = total - first < step ? total - first : step;
        struct conv2d_grouped_weight_push push = {.count = (uint)(count * elements),
                                                  .first_chunk = (uint)first,
                                                  .step = (uint)(chunk_floats / 4),
                                                  .output_vectors = divisor_of(vectors),
                                                  .elements = divisor_of(elements),
                                                  .chunks = divisor_of(chunks->count),
                                                  .shard_blocks = (uint)chunks->shard_blocks,
                                                  .chunk_blocks = (uint)chunks->blocks,
                                                  .output_blocks = divisor_of(blocks_of(grouped->output)),
                                                  .output_height = divisor_of(shape_height(grouped->output)),
                                                  .output_width = (uint)shape_width(grouped->output),
                                                  .input_height = (uint)shape_height(grouped->input),
                                                  .input_width = (uint)shape_width(grouped->input),
                                                  .input_vectors = (uint)(shape_stride(grouped->input) / 4),
                                                  .output_channels = (uint)shape_channels(grouped->output)};
        dispatch.bindings[2] = binding_part(sums, first * size, count * size);
        dispatch.flops = flops_of(tape, grouped) * (double)count / (double)total;
        dispatch_push(&dispatch, push);
        dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
        TRY(tape_dispatch(tape, &dispatch));
    }
    return STATUS_OK;
}

enum status grouped_weight_gradient(struct tape *tape, const struct grouped *grouped, struct binding input,
                                    struct binding output_gradient, const struct layer *layer, int weight)
{
    const struct geometry *geometry = &tape->geometry;
    int64_t step = round_up_count(grouped_elements(grouped), PARAMETER_ALIGNMENT);
    struct grouped_chunks chunks = depthwise_chunks(tape, grouped);
    bool is_depthwise = chunks.count > 0;
    if (!is_depthwise) {
        int64_t sample_blocks = shape_height(grouped->output) * blocks_of(grouped->output);
        chunks = grouped_cut(geometry->shard_samples * sample_blocks, MIN_CHUNK);
    }
    int sums;
    TRY(tape_scratch(tape, "weight gradients of chunks",
                     (uint64_t)(geometry->shard_count * chunks.count * step) * sizeof(float), &sums));
    struct dispatch dispatch = {.kernel = "conv2d_grouped_weight",
                                .bindings = {input, output_gradient, tape_bind(tape, sums, ACCESS_WRITE)},
                                .binding_count = 3};
    if (is_depthwise) {
        TRY(depthwise_sum_chunks(tape, grouped, input, output_gradient, step, dispatch.bindings[2]));
    } else {
        TRY(sum_chunks(tape, grouped, &chunks, step, dispatch));
    }
    struct chunk_sums all = {.values = tape_bind(tape, sums, ACCESS_READ),
                             .chunks = chunks.count,
                             .stride = step,
                             .count = grouped_elements(grouped)};
    return reduce_chunks(tape, &all, layer, weight);
}
