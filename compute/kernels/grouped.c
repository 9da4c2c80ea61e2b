#include "compute/kernels/grouped.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "compute/kernels/weights.h"
#include "shaders/conv2d_grouped.h"

enum { VECTOR_SIZE = 16 };
/* A shader's loops may turn 65,535 times together (shaders/lib/each_vector.glsl). */
enum { MAX_TURNS = 65000 };
/* Rows of a shard that are summed at once: about the root of all, so that there are as many chunks. */
enum { MIN_CHUNK = 256, MAX_CHUNK = 16384 };

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

/* The specialization constants of lib/grouped.glsl. */
static void set_constants(const struct grouped *grouped, struct dispatch *dispatch)
{
    const struct window *window = &grouped->window;
    const int64_t values[] = {mode_of(grouped),   group_inputs(grouped), group_outputs(grouped), window->kernel[0],
                              window->kernel[1],  window->stride[0],     window->stride[1],      window->padding[0],
                              window->padding[1], window->dilation[0],   window->dilation[1]};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        dispatch->constants[dispatch->constant_count++] = (uint32_t)values[i];
    }
}

static struct conv2d_grouped_push make_push(struct shape made, struct shape read, struct shape output)
{
    return (struct conv2d_grouped_push){.made_vectors = divisor_of(shape_stride(made) / 4),
                                        .made_width = divisor_of(shape_width(made)),
                                        .made_height = divisor_of(shape_height(made)),
                                        .made_channels = (uint)shape_channels(made),
                                        .read_height = (uint)shape_height(read),
                                        .read_width = (uint)shape_width(read),
                                        .read_vectors = (uint)(shape_stride(read) / 4),
                                        .weight_vectors = (uint)(shape_stride(output) / 4)};
}

static double flops_of(const struct tape *tape, const struct grouped *grouped)
{
    return 2.0 * (double)geometry_samples(&tape->geometry) * (double)shape_count(grouped->output) *
           (double)(positions_of(grouped) * group_inputs(grouped));
}

/* Loops over kernel positions and the channels of a group, in three levels. */
static enum status check_turns(const struct grouped *grouped, int64_t channels)
{
    if (positions_of(grouped) * (channels + 2) > MAX_TURNS) {
        return fail(STATUS_BAD_INPUT,
                    "a kernel of %lld positions with %lld channels a group; at most %d products of "
                    "both are possible with groups",
                    (long long)positions_of(grouped), (long long)channels, MAX_TURNS);
    }
    return STATUS_OK;
}

enum status grouped_forward(struct tape *tape, const struct grouped *grouped, const struct grouped_bindings *bindings)
{
    TRY(check_turns(grouped, group_inputs(grouped)));
    struct conv2d_grouped_push push = make_push(grouped->output, grouped->input, grouped->output);
    struct dispatch dispatch = {.kernel = "conv2d_grouped_forward",
                                .bindings = {bindings->image, bindings->weight,
                                             bindings->bias != NULL ? *bindings->bias : bindings->weight,
                                             bindings->result},
                                .binding_count = 4,
                                .flops = flops_of(tape, grouped)};
    set_constants(grouped, &dispatch);
    dispatch.constants[dispatch.constant_count++] = bindings->bias != NULL;
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, 0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, grouped->output), 1, sizes);
}

enum status grouped_backward(struct tape *tape, const struct grouped *grouped, const struct grouped_bindings *bindings)
{
    TRY(check_turns(grouped, group_outputs(grouped)));
    struct conv2d_grouped_push push = make_push(grouped->input, grouped->output, grouped->output);
    struct dispatch dispatch = {.kernel = "conv2d_grouped_backward",
                                .bindings = {bindings->image, bindings->weight, bindings->result},
                                .binding_count = 3,
                                .flops = flops_of(tape, grouped)};
    set_constants(grouped, &dispatch);
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, range_vectors(tape, grouped->input), 1, sizes);
}

enum status grouped_weight_gradient(struct tape *tape, const struct grouped *grouped, struct binding input,
                                    struct binding output_gradient, const struct layer *layer, int weight)
{
    int64_t count = grouped_elements(grouped);
    int64_t shards = tape->geometry.shard_count;
    int64_t shard_rows = weights_shard_rows(tape, grouped->output);
    int64_t chunk_rows = MIN_CHUNK;
    while (chunk_rows < MAX_CHUNK && chunk_rows * chunk_rows < shard_rows) {
        chunk_rows *= 2;
    }
    int64_t chunks = (shard_rows + chunk_rows - 1) / chunk_rows;
    struct conv2d_grouped_weight_push push = {.weight_vectors = divisor_of(shape_stride(grouped->output) / 4),
                                              .elements = divisor_of(count / 4),
                                              .chunks = divisor_of(chunks),
                                              .shard_rows = (uint)shard_rows,
                                              .chunk_rows = (uint)chunk_rows,
                                              .output_width = divisor_of(shape_width(grouped->output)),
                                              .output_height = divisor_of(shape_height(grouped->output)),
                                              .input_height = (uint)shape_height(grouped->input),
                                              .input_width = (uint)shape_width(grouped->input),
                                              .input_vectors = (uint)(shape_stride(grouped->input) / 4),
                                              .output_channels = (uint)shape_channels(grouped->output)};
    int partial;
    int sums;
    TRY(tape_scratch(tape, "weight gradients of chunks", (uint64_t)(shards * chunks * count) * sizeof(float),
                     &partial));
    struct dispatch dispatch = {.kernel = "conv2d_grouped_weight",
                                .bindings = {input, output_gradient, tape_bind(tape, partial, ACCESS_WRITE)},
                                .binding_count = 3,
                                .flops = flops_of(tape, grouped)};
    set_constants(grouped, &dispatch);
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, 0, VECTOR_SIZE};
    TRY(range_dispatch(tape, &dispatch, (uint64_t)(shards * chunks * (count / 4)), 1, sizes));
    sums = partial;
    if (chunks > 1) {
        TRY(tape_scratch(tape, "weight gradients of shards", (uint64_t)(shards * count) * sizeof(float), &sums));
        struct row_sums rows = {.rows = tape_bind(tape, partial, ACCESS_READ),
                                .groups = shards,
                                .group_rows = chunks,
                                .stride = count,
                                .scale = 1,
                                .sums = tape_bind(tape, sums, ACCESS_WRITE)};
        TRY(reduce_rows(tape, &rows));
    }
    return reduce_shards(tape, tape_bind(tape, sums, ACCESS_READ), count, layer, weight);
}
