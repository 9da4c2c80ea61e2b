/*
 * Batch normalisation (Ioffe and Szegedy 2015), by channel over the N rows (samples and positions) of a shard, or of
 * the whole batch where statistics = global:
 *
 *     mean = sum x / N        variance = sum (x - mean)^2 / N        s = 1 / sqrt(variance + epsilon)
 *     n = (x - mean) s        y = n weight + bias
 *
 *     dbias = sum dy        dweight = sum dy n        dx = weight s (dy - dbias / N - n dweight / N)
 *
 * Evaluation uses the running averages of mean and unbiased variance (sum (x - mean)^2 / (N - 1)), which training
 * moves: running = (1 - momentum) running + momentum (mean over the shards of the shard's statistic).
 *
 * Rows are cut into chunks of a size that depends on the shard alone. Each chunk gives its mean and its sum of centred
 * squares; those are merged in order. With global statistics the means of the shards, then their squares around the
 * common mean, and in the backward pass the two sums, are added over all shards by the host.
 */
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/batch_norm.h"

enum statistics { STATISTICS_SHARD, STATISTICS_GLOBAL };
enum { SAVED_MEANS, SAVED_SPREADS };
/* Loops of a shader may turn 65,535 times together: two over a chunk, one over the chunks of a shard. */
enum { MIN_CHUNK = 16, MAX_SHARD_ROWS = 1 << 29 };

struct batch_norm_options {
    double momentum;
    double epsilon;
    bool affine;
    int statistics;
};

static bool is_global(const struct layer *layer)
{
    const struct batch_norm_options *options = layer->options;
    return options->statistics == STATISTICS_GLOBAL;
}

static bool is_affine(const struct layer *layer)
{
    const struct batch_norm_options *options = layer->options;
    return options->affine;
}

/* The layer's parameters: weight and bias where it is affine, then the running averages. */
enum { WEIGHT, BIAS };

static int running_mean(const struct layer *layer)
{
    return is_affine(layer) ? 2 : 0;
}

static int running_variance(const struct layer *layer)
{
    return running_mean(layer) + 1;
}

static enum status add_parameter(struct layer *layer, const char *suffix, enum parameter_kind kind, double initial)
{
    const struct batch_norm_options *options = layer->options;
    struct shape shape = layer_input_shape(layer, 0);
    struct parameter parameter = {.kind = kind,
                                  .rank = 1,
                                  .dim = {shape_channels(shape)},
                                  .elements = shape_stride(shape),
                                  .initial = {INITIAL_CONSTANT, initial},
                                  .momentum = kind == PARAMETER_BUFFER ? (float)options->momentum : 0};
    return layer_add_parameter(layer, suffix, &parameter);
}

static enum status infer(struct layer *layer)
{
    TRY(layer_require_numbers(layer));
    if (is_affine(layer)) {
        TRY(add_parameter(layer, "weight", PARAMETER_WEIGHT, 1));
        TRY(add_parameter(layer, "bias", PARAMETER_WEIGHT, 0));
    }
    TRY(add_parameter(layer, "running_mean", PARAMETER_BUFFER, 0));
    TRY(add_parameter(layer, "running_var", PARAMETER_BUFFER, 1));
    return layer_add_output(layer, layer_input_shape(layer, 0));
}

/* Sizes that the kernels work on. */
struct extent {
    int64_t channels;   /* vectors a row */
    int64_t row_floats; /* channels * 4 */
    int64_t shards;     /* local */
    int64_t shard_rows;
    int64_t chunk_rows; /* reduce_chunk_rows() */
    int64_t chunks;     /* a shard */
    int64_t total_rows; /* over which statistics are taken */
};

static enum status make_extent(const struct layer *layer, const struct tape *tape, struct extent *extent)
{
    struct shape shape = layer_input_shape(layer, 0);
    *extent = (struct extent){.channels = shape_stride(shape) / 4,
                              .row_floats = shape_stride(shape),
                              .shards = tape->geometry.shard_count,
                              .shard_rows = tape->geometry.shard_samples * shape_positions(shape)};
    extent->chunk_rows = reduce_chunk_rows(extent->shard_rows, MIN_CHUNK);
    extent->chunks = divide_up_count(extent->shard_rows, extent->chunk_rows);
    extent->total_rows = extent->shard_rows * (is_global(layer) ? tape->geometry.shards : 1);
    if (extent->shard_rows > MAX_SHARD_ROWS) {
        return layer_fail(layer, "a shard has more than %d positions; set run.shards higher", MAX_SHARD_ROWS);
    }
    if (tape->mode == TAPE_TRAIN && extent->total_rows < 2) {
        return layer_fail(layer, "needs more than one value a channel; use a larger run.batch, fewer run.shards, or "
                                 "statistics = global");
    }
    return STATUS_OK;
}

/* A row of floats for every local shard; where the host adds them, in its sight. */
static enum status add_rows(struct tape *tape, const char *name, const struct extent *extent, bool exchanged,
                            int *tensor)
{
    uint64_t size = (uint64_t)(extent->shards * extent->row_floats) * sizeof(float);
    return exchanged ? tape_exchange(tape, name, size, tensor) : tape_scratch(tape, name, size, tensor);
}

/* Appends the sum of `rows` over all shards of the global batch. */
static enum status sum_over_all(struct tape *tape, const char *name, const struct extent *extent, int rows, int *sum)
{
    TRY(tape_exchange(tape, name, (uint64_t)extent->row_floats * sizeof(float), sum));
    struct host_step step = {.kind = HOST_SUM_SHARDS,
                             .input = tape_bind(tape, rows, ACCESS_READ),
                             .output = tape_bind(tape, *sum, ACCESS_WRITE),
                             .count = extent->row_floats};
    return tape_host_step(tape, &step);
}

/* Two sums of every chunk, [shard][chunk][channel] each, from a kernel that reads `dispatch`'s bindings. */
static enum status chunk_sums(struct tape *tape, const struct extent *extent, struct dispatch dispatch, int sums[2])
{
    uint64_t vectors = (uint64_t)(extent->shards * extent->chunks * extent->channels);
    struct batch_norm_chunk_push push = {.channels = divisor_of(extent->channels),
                                         .chunks = divisor_of(extent->chunks),
                                         .shard_rows = (uint)extent->shard_rows,
                                         .chunk_rows = (uint)extent->chunk_rows,
                                         .statistic_step = (uint)extent->channels};
    uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0};
    for (int i = 0; i < 2; i++) {
        TRY(tape_scratch(tape, "sums of chunks", vectors * VECTOR_SIZE, &sums[i]));
        sizes[dispatch.binding_count] = VECTOR_SIZE;
        dispatch.bindings[dispatch.binding_count++] = tape_bind(tape, sums[i], ACCESS_WRITE);
    }
    dispatch.flops = 5.0 * (double)(extent->shards * extent->shard_rows * extent->row_floats);
    dispatch_push(&dispatch, push);
    return range_dispatch(tape, &dispatch, vectors, 1, sizes);
}

/* What batch_norm_merge and batch_norm_centre make: tensors of a row a shard. */
struct statistics_rows {
    int means;
    int spreads;
    int variances;
};

static enum status merge(struct tape *tape, const struct extent *extent, struct batch_norm_merge_push push,
                         const int parts[2], bool finish, const struct statistics_rows *rows)
{
    push.count = (uint)(extent->shards * extent->channels);
    push.channels = divisor_of(extent->channels);
    struct dispatch dispatch = {
        .kernel = "batch_norm_merge",
        .bindings = {tape_bind(tape, parts[0], ACCESS_READ), tape_bind(tape, parts[1], ACCESS_READ),
                     tape_bind(tape, rows->means, ACCESS_WRITE), tape_bind(tape, rows->spreads, ACCESS_WRITE),
                     tape_bind(tape, rows->variances, ACCESS_WRITE)},
        .binding_count = 5,
        .constants = {finish},
        .constant_count = 1};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

static enum status centre(struct tape *tape, const struct extent *extent, struct batch_norm_merge_push push,
                          const struct statistics_rows *rows, int mean_total, int centred)
{
    push.count = (uint)(extent->shards * extent->channels);
    push.channels = divisor_of(extent->channels);
    struct dispatch dispatch = {
        .kernel = "batch_norm_centre",
        .bindings = {tape_bind(tape, rows->means, ACCESS_READ), tape_bind(tape, rows->spreads, ACCESS_READ),
                     tape_bind(tape, mean_total, ACCESS_READ), tape_bind(tape, centred, ACCESS_WRITE)},
        .binding_count = 4};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

/* From the chunks of all shards to global statistics, the same for every shard. */
static enum status merge_global(struct tape *tape, const struct extent *extent, struct batch_norm_merge_push push,
                                const int chunks[2], const struct statistics_rows *rows)
{
    struct statistics_rows shard;
    TRY(add_rows(tape, "means of shards", extent, true, &shard.means));
    TRY(add_rows(tape, "squares of shards", extent, false, &shard.spreads));
    TRY(add_rows(tape, "variances of shards", extent, false, &shard.variances));
    TRY(merge(tape, extent, push, chunks, false, &shard));
    int parts[2];
    TRY(sum_over_all(tape, "sum of means", extent, shard.means, &parts[0]));

    int centred;
    TRY(add_rows(tape, "centred squares of shards", extent, true, &centred));
    double scale = 1.0 / tape->geometry.shards;
    struct batch_norm_merge_push whole = {.part_rows = (float)extent->shard_rows, .mean_scale = (float)scale};
    TRY(centre(tape, extent, whole, &shard, parts[0], centred));
    TRY(sum_over_all(tape, "sum of centred squares", extent, centred, &parts[1]));

    whole.parts = 1;
    whole.last_rows = (float)extent->total_rows;
    whole.epsilon = push.epsilon;
    return merge(tape, extent, whole, parts, true, rows);
}

static enum status take_statistics(const struct layer *layer, struct tape *tape, const struct extent *extent,
                                   struct statistics_rows *rows)
{
    const struct batch_norm_options *options = layer->options;
    struct dispatch statistics = {.kernel = "batch_norm_statistics",
                                  .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ)},
                                  .binding_count = 1};
    int chunks[2];
    TRY(chunk_sums(tape, extent, statistics, chunks));
    TRY(add_rows(tape, "means", extent, false, &rows->means));
    TRY(add_rows(tape, "spreads", extent, false, &rows->spreads));
    TRY(add_rows(tape, "variances", extent, false, &rows->variances));
    tape_save(tape, layer, SAVED_MEANS, rows->means);
    tape_save(tape, layer, SAVED_SPREADS, rows->spreads);
    int64_t before_last = (extent->chunks - 1) * extent->chunk_rows;
    struct batch_norm_merge_push push = {.parts = (uint)extent->chunks,
                                         .part_step = (uint)(extent->chunks * extent->channels),
                                         .part_rows = (float)extent->chunk_rows,
                                         .last_rows = (float)(extent->shard_rows - before_last),
                                         .mean_scale = 1,
                                         .epsilon = (float)options->epsilon};
    TRY(is_global(layer) ? merge_global(tape, extent, push, chunks, rows)
                         : merge(tape, extent, push, chunks, true, rows));
    TRY(reduce_shards(tape, tape_bind(tape, rows->means, ACCESS_READ), extent->row_floats, layer, running_mean(layer)));
    return reduce_shards(tape, tape_bind(tape, rows->variances, ACCESS_READ), extent->row_floats, layer,
                         running_variance(layer));
}

/* Bytes a dispatch makes, at most; its binding may begin a little earlier, where a binding may. */
enum { MAX_BLOCKS_SIZE = DISPATCH_MAX_STORAGE - TENSOR_ALIGNMENT };
/* Of a register of any CPU. */
enum { MAX_LANES = 16 };

static struct batch_norm_block_push make_block_push(const struct layer *layer, const struct tape *tape,
                                                    const struct extent *extent)
{
    const struct batch_norm_options *options = layer->options;
    int64_t line = extent->channels; /* vectors */
    while (tape->device_class == CLASS_CPU && line % MAX_LANES != 0) {
        line *= 2;
    }
    int64_t block_lines = MAX_BLOCKS_SIZE / (line * VECTOR_SIZE);
    block_lines = block_lines < 1 ? 1 : block_lines < BATCH_NORM_LINES ? block_lines : BATCH_NORM_LINES;
    int64_t shard_vectors = extent->shard_rows * extent->channels;
    int64_t lines = divide_up_count(shard_vectors, line);
    return (struct batch_norm_block_push){
        .line = divisor_of(line),
        .channels = divisor_of(extent->channels),
        .blocks = divisor_of(divide_up_count(lines, block_lines)),
        .block_lines = (uint)block_lines,
        .last_lines = (uint)((lines - 1) % block_lines + 1),
        .last_line = (uint)(shard_vectors - (lines - 1) * line),
        .shard_vectors = (uint)shard_vectors,
        .statistic_step = (uint)extent->channels,
        .sum_step = is_global(layer) ? 0 : (uint)extent->channels,
        .rows = (float)extent->total_rows,
        .epsilon = (float)options->epsilon,
        .channel_count = (uint)shape_channels(layer_input_shape(layer, 0)),
    };
}

/*
 * Appends a kernel that makes `made`, its last binding, block by block, in dispatches that keep to the limit of storage
 * buffers.
 */
static enum status dispatch_blocks(struct tape *tape, const struct extent *extent, struct dispatch dispatch,
                                   struct batch_norm_block_push push, int made)
{
    int64_t block = (int64_t)push.block_lines * push.line.value;
    int64_t blocks = push.blocks.value;
    int64_t limit = MAX_BLOCKS_SIZE / (block * VECTOR_SIZE);
    limit = limit > 0 ? limit : 1;
    int last = dispatch.binding_count++;
    for (int64_t first = 0; first < extent->shards * blocks; first += limit) {
        int64_t left = extent->shards * blocks - first;
        int64_t count = left < limit ? left : limit;
        int64_t end = first + count;
        /* Only a shard's last block may be short. */
        int64_t first_vector = first / blocks * push.shard_vectors + first % blocks * block;
        int64_t end_vector = end / blocks * push.shard_vectors + end % blocks * block;
        uint64_t begin = (uint64_t)(first_vector * VECTOR_SIZE) / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
        struct dispatch one = dispatch;
        one.bindings[last] = (struct binding){.tensor = made,
                                              .access = ACCESS_WRITE,
                                              .offset = begin,
                                              .size = (uint64_t)(end_vector * VECTOR_SIZE) - begin};
        push.part = (struct range){.first = (uint)(first * push.line.value), .count = (uint)(count * push.line.value)};
        push.made_first = (uint)(begin / VECTOR_SIZE);
        dispatch_push(&one, push);
        dispatch_groups(&one, divide_up(push.part.count, RANGE_LOCAL_SIZE));
        one.flops = 16.0 * (double)(end_vector - first_vector);
        TRY(tape_dispatch(tape, &one));
    }
    return STATUS_OK;
}

static enum status forward(const struct layer *layer, struct tape *tape)
{
    struct extent extent;
    TRY(make_extent(layer, tape, &extent));
    struct batch_norm_block_push push = make_block_push(layer, tape, &extent);
    bool training = tape->mode == TAPE_TRAIN;
    struct dispatch dispatch = {.kernel = "batch_norm_forward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ)},
                                .binding_count = 5,
                                .constants = {is_affine(layer), !training}};
    epilogue_add_residual(&dispatch, 2, tape_epilogue(tape));
    if (training) {
        struct statistics_rows rows;
        TRY(take_statistics(layer, tape, &extent, &rows));
        dispatch.bindings[1] = tape_bind(tape, rows.means, ACCESS_READ);
        dispatch.bindings[2] = tape_bind(tape, rows.spreads, ACCESS_READ);
    } else {
        push.statistic_step = 0;
        dispatch.bindings[1] = tape_parameter(tape, layer, running_mean(layer));
        dispatch.bindings[2] = tape_parameter(tape, layer, running_variance(layer));
    }
    /* Without weight and bias the kernel does not read these. */
    dispatch.bindings[3] = is_affine(layer) ? tape_parameter(tape, layer, WEIGHT) : dispatch.bindings[1];
    dispatch.bindings[4] = is_affine(layer) ? tape_parameter(tape, layer, BIAS) : dispatch.bindings[1];
    return dispatch_blocks(tape, &extent, dispatch, push, tape_output(tape, layer, 0));
}

/* Evaluation as an epilogue of the layer before: mean, scale and shift of every channel, as the forward kernel has
 * them.
 */
static enum status fold(const struct layer *layer, struct tape *tape, struct binding *rows)
{
    const struct batch_norm_options *options = layer->options;
    int64_t channels = shape_stride(layer_input_shape(layer, 0)) / 4;
    struct batch_norm_fold_push push = {.channels = (uint)channels, .epsilon = (float)options->epsilon};
    struct binding mean = tape_parameter(tape, layer, running_mean(layer));
    int made;
    TRY(tape_scratch(tape, "mean, scale and shift", (uint64_t)(3 * channels * VECTOR_SIZE), &made));
    struct dispatch dispatch = {.kernel = "batch_norm_fold",
                                .bindings = {mean, tape_parameter(tape, layer, running_variance(layer)),
                                             is_affine(layer) ? tape_parameter(tape, layer, WEIGHT) : mean,
                                             is_affine(layer) ? tape_parameter(tape, layer, BIAS) : mean,
                                             tape_bind(tape, made, ACCESS_WRITE)},
                                .binding_count = 5,
                                .constants = {is_affine(layer)},
                                .constant_count = 1};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up((uint64_t)channels, RANGE_LOCAL_SIZE));
    *rows = tape_bind(tape, made, ACCESS_READ);
    return tape_dispatch(tape, &dispatch);
}

/*
 * What the map of an epilogue made, for its derivative; without one the output may be no more, and something is bound.
 */
static struct binding bind_output(const struct layer *layer, const struct tape *tape)
{
    bool has_map = tape_epilogue(tape)->map.function != MAP_COPY;
    return tape_bind(tape, has_map ? tape_output(tape, layer, 0) : tape_output_gradient(tape, layer, 0), ACCESS_READ);
}

/* Per shard, or over all of them: the sums of dy and of dy n; the gradients of bias and weight are made of them. */
static enum status backward_sums(const struct layer *layer, struct tape *tape, const struct extent *extent, int sums[2])
{
    struct dispatch dispatch = {.kernel = "batch_norm_sums",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_MEANS), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_SPREADS), ACCESS_READ),
                                             bind_output(layer, tape)},
                                .binding_count = 5};
    epilogue_add_map(&dispatch, 0, tape_epilogue(tape));
    int chunks[2];
    TRY(chunk_sums(tape, extent, dispatch, chunks));
    static const int parameters[2] = {BIAS, WEIGHT};
    for (int i = 0; i < 2; i++) {
        TRY(add_rows(tape, "sums of shards", extent, is_global(layer), &sums[i]));
        TRY(reduce_columns(tape, tape_bind(tape, chunks[i], ACCESS_READ), extent->chunks, extent->row_floats,
                           tape_bind(tape, sums[i], ACCESS_WRITE)));
        if (is_affine(layer)) {
            TRY(reduce_shards(tape, tape_bind(tape, sums[i], ACCESS_READ), extent->row_floats, layer, parameters[i]));
        }
    }
    for (int i = 0; i < 2 && is_global(layer); i++) {
        int rows = sums[i];
        TRY(sum_over_all(tape, "sum over all shards", extent, rows, &sums[i]));
    }
    return STATUS_OK;
}

static enum status backward(const struct layer *layer, struct tape *tape)
{
    struct extent extent;
    int sums[2];
    int gradient;
    TRY(make_extent(layer, tape, &extent));
    TRY(backward_sums(layer, tape, &extent, sums));
    TRY(tape_input_gradient(tape, layer, 0, &gradient));
    if (gradient == TENSOR_NONE) {
        return STATUS_OK;
    }
    struct batch_norm_block_push push = make_block_push(layer, tape, &extent);
    struct dispatch dispatch = {.kernel = "batch_norm_backward",
                                .bindings = {tape_bind(tape, tape_input(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_MEANS), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_SPREADS), ACCESS_READ),
                                             tape_bind(tape, tape_saved(tape, layer, SAVED_MEANS), ACCESS_READ),
                                             tape_bind(tape, sums[0], ACCESS_READ),
                                             tape_bind(tape, sums[1], ACCESS_READ), bind_output(layer, tape)},
                                .binding_count = 8,
                                .constants = {is_affine(layer)}};
    epilogue_add_map(&dispatch, 1, tape_epilogue(tape));
    if (is_affine(layer)) {
        dispatch.bindings[4] = tape_parameter(tape, layer, WEIGHT);
    }
    return dispatch_blocks(tape, &extent, dispatch, push, gradient);
}

static const char *const statistics_names[] = {"shard", "global", NULL};

static const struct option options[] = {
    {
        .name = "momentum",
        .type = OPTION_FLOAT,
        .offset = offsetof(struct batch_norm_options, momentum),
        .fallback = "0.1",
        .min = 0,
        .max = 1,
        .help = "weight of a step's statistics in the running averages",
    },
    {
        .name = "epsilon",
        .type = OPTION_FLOAT,
        .offset = offsetof(struct batch_norm_options, epsilon),
        .fallback = "1e-5",
        .min = 1e-12,
        .max = 1,
        .help = "added to the variance",
    },
    {
        .name = "affine",
        .type = OPTION_BOOL,
        .offset = offsetof(struct batch_norm_options, affine),
        .fallback = "yes",
        .help = "learn a weight and a bias for every channel",
    },
    {
        .name = "statistics",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct batch_norm_options, statistics),
        .fallback = "shard",
        .choices = statistics_names,
        .help = "over what mean and variance are taken: each shard of the batch, or the global batch",
    },
    OPTIONS_END,
};

const struct layer_type layer_batch_norm = {
    .name = "batch_norm",
    .help = "normalises every channel over the batch",
    .options = options,
    .options_size = sizeof(struct batch_norm_options),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
    .epilogue = EPILOGUE_RESIDUAL,
    .derives = true,
    .fold = fold,
};
