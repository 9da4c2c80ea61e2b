#include "compute/kernels/winograd.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/winograd.h"

enum { POSITIONS = 9 }; /* of the kernel */

/*
 * Bytes of tiles that a gradient of weights is summed over at once: they should stay in a processor's cache. It decides
 * an order of summation, so it is the same everywhere; what decides none is tuned (tuning.winograd_chunk).
 */
static const int64_t SUM_CHUNK_SIZE = 4 << 20;

static int64_t tiles_of_sample(struct shape shape)
{
    return divide_up_count(shape_height(shape), WINOGRAD_TILE) * divide_up_count(shape_width(shape), WINOGRAD_TILE);
}

/* Bytes that the tiles of a sample take for a tensor of `channels` (with padding) channels. */
static int64_t tiles_size(const struct winograd *winograd, int64_t channels)
{
    return WINOGRAD_PRODUCTS * tiles_of_sample(winograd->output) * channels * (int64_t)sizeof(float);
}

static int64_t larger_tiles_size(const struct winograd *winograd)
{
    int64_t input = tiles_size(winograd, shape_stride(winograd->input));
    int64_t output = tiles_size(winograd, shape_stride(winograd->output));
    return input > output ? input : output;
}

static int64_t weight_size(const struct winograd *winograd)
{
    return WINOGRAD_PRODUCTS * panels_elements(shape_stride(winograd->input), shape_channels(winograd->output)) *
           (int64_t)sizeof(float);
}

/* Samples from one aligned place in a tensor of images to the next. */
static int64_t aligned_samples(struct shape shape)
{
    return range_aligned(shape_elements(shape, DTYPE_FLOAT32) * (int64_t)sizeof(float));
}

bool winograd_can(const struct window *window, struct shape input, struct shape output)
{
    if (shape_channels(input) == 1) {
        return false; /* its weights lie otherwise */
    }
    for (int axis = 0; axis < 2; axis++) {
        if (window->kernel[axis] != 3 || window->stride[axis] != 1 || window->dilation[axis] != 1) {
            return false;
        }
    }
    /* In both directions, forward and to the input's gradient, storage buffers must hold what is written at once. */
    struct winograd both[] = {{.input = input, .output = output}, {.input = output, .output = input}};
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        if (aligned_samples(both[i].output) * larger_tiles_size(&both[i]) > DISPATCH_MAX_STORAGE ||
            weight_size(&both[i]) > DISPATCH_MAX_STORAGE) {
            return false;
        }
    }
    return true;
}

/* Nanoseconds on a CPU, measured: a product; a float read, and written, by a kernel that is not bound by products. */
static const double PRODUCT = 0.03;
static const double READ = 0.25;
static const double WRITE = 0.3;
/* Weights of products made and read again, and gradients of such, where that is more than a cache holds. */
static const double EVICTED = 0.6;
static const double EVICTED_GRADIENT = 1.05;
static const int64_t CACHE_SIZE = 2 << 20;
/* The algorithm must be that much faster. */
static const double MARGIN = 1.1;

/* To make the weights of all products, or their gradients, and to read them. */
static double weight_cost(const struct winograd *winograd, double evicted)
{
    int64_t size = weight_size(winograd);
    return (double)size / sizeof(float) * (size > CACHE_SIZE ? evicted : READ + WRITE);
}

bool winograd_pays(const struct winograd *winograd, const struct geometry *geometry)
{
    double inputs = (double)shape_stride(winograd->input);
    double outputs = (double)shape_stride(winograd->output);
    double tiles = (double)tiles_of_sample(winograd->output);
    double positions = (double)shape_positions(winograd->output);
    double direct = positions * outputs * (POSITIONS * inputs * PRODUCT + WRITE);
    double transforms = (inputs * (READ + WRITE) + outputs * READ) * WINOGRAD_PRODUCTS;
    double products = outputs * (inputs * PRODUCT + WRITE) * WINOGRAD_PRODUCTS;
    double sample = tiles * (transforms + products) + positions * outputs * WRITE;
    /* How many samples a rank has must not matter: as two ranks would share them. */
    double samples = 0.5 * (double)(geometry->shards * geometry->shard_samples);
    return samples * direct > MARGIN * (samples * sample + weight_cost(winograd, EVICTED));
}

/* Samples of a shard that are summed at once. */
static int64_t part_samples(const struct winograd *winograd, int64_t shard_samples)
{
    int64_t samples = SUM_CHUNK_SIZE / larger_tiles_size(winograd);
    samples = samples > 0 ? samples : 1;
    return samples < shard_samples ? samples : shard_samples;
}

bool winograd_gradient_pays(const struct winograd *winograd, const struct geometry *geometry)
{
    int64_t samples = geometry->shard_samples;
    double inputs = (double)shape_stride(winograd->input);
    double outputs = (double)shape_stride(winograd->output);
    double tiles = (double)(samples * tiles_of_sample(winograd->output));
    double positions = (double)(samples * shape_positions(winograd->output));
    double parts = (double)divide_up_count(samples, part_samples(winograd, samples));
    double direct = positions * outputs * POSITIONS * inputs * PRODUCT;
    double transforms = (inputs + outputs) * (READ + WRITE) * WINOGRAD_PRODUCTS;
    double products = outputs * inputs * PRODUCT * WINOGRAD_PRODUCTS;
    return direct > MARGIN * (tiles * (transforms + products) + parts * weight_cost(winograd, EVICTED_GRADIENT));
}

/* A part of the batch, and the tiles of its images. */
struct chunk {
    int64_t first_sample, samples;
    int64_t tiles;
};

static struct chunk make_chunk(const struct winograd *winograd, int64_t first_sample, int64_t samples)
{
    return (struct chunk){
        .first_sample = first_sample, .samples = samples, .tiles = samples * tiles_of_sample(winograd->output)};
}

/* Between an image and tiles: `image` has the channels and the size that the kernel reads or writes. */
static enum status add_image_kernel(struct tape *tape, const struct winograd *winograd, const struct chunk *chunk,
                                    struct shape image, struct dispatch dispatch)
{
    int64_t vectors = shape_stride(image) / 4;
    struct winograd_image_push push = {
        .count = (uint)(chunk->tiles * vectors),
        .vectors = divisor_of(vectors),
        .tiles_width = divisor_of(divide_up_count(shape_width(winograd->output), WINOGRAD_TILE)),
        .tiles_height = divisor_of(divide_up_count(shape_height(winograd->output), WINOGRAD_TILE)),
        .first_tile = (uint)(chunk->first_sample * tiles_of_sample(winograd->output)),
        .first_sample = (uint)chunk->first_sample,
        .height = (uint)shape_height(image),
        .width = (uint)shape_width(image),
        .padding_height = (uint)winograd->padding[0],
        .padding_width = (uint)winograd->padding[1],
        .channels = (uint)shape_channels(image)};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

static enum status add_input(struct tape *tape, const struct winograd *winograd, const struct chunk *chunk,
                             struct binding image, int tiles)
{
    struct dispatch dispatch = {
        .kernel = "winograd_input", .bindings = {image, tape_bind(tape, tiles, ACCESS_WRITE)}, .binding_count = 2};
    return add_image_kernel(tape, winograd, chunk, winograd->input, dispatch);
}

static enum status add_output_gradient(struct tape *tape, const struct winograd *winograd, const struct chunk *chunk,
                                       struct binding gradient, int tiles)
{
    struct dispatch dispatch = {.kernel = "winograd_output_gradient",
                                .bindings = {gradient, tape_bind(tape, tiles, ACCESS_WRITE)},
                                .binding_count = 2};
    return add_image_kernel(tape, winograd, chunk, winograd->output, dispatch);
}

/* Between weights and their 36 products. */
static enum status add_weight_kernel(struct tape *tape, const struct winograd *winograd, const char *kernel,
                                     struct binding read, struct binding written)
{
    int64_t inputs = shape_stride(winograd->input);
    int64_t vectors = shape_stride(winograd->output) / 4;
    struct winograd_weight_push push = {.count = (uint)(inputs * vectors),
                                        .panel_size = divisor_of(inputs * (MATMUL_PANEL / 4)),
                                        .vectors = (uint)vectors,
                                        .inputs = (uint)inputs};
    struct dispatch dispatch = {.kernel = kernel, .bindings = {read, written}, .binding_count = 2};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up(push.count, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

/* Weights of products from those of the convolution whose gradient to the input is convolved for. */
static enum status add_transposed_weight_kernel(struct tape *tape, const struct winograd *winograd, struct binding read,
                                                struct binding written)
{
    int64_t outputs = shape_stride(winograd->input) / 4;
    int64_t inputs = shape_stride(winograd->output) / 4;
    int64_t lines = divide_up_count(inputs, MATMUL_PANEL / 4) * outputs;
    struct winograd_transposed_push push = {
        .count = (uint)(outputs * 4 * inputs), .outputs = divisor_of(outputs), .inputs = (uint)inputs};
    struct dispatch dispatch = {
        .kernel = "winograd_weight_transposed", .bindings = {read, written}, .binding_count = 2};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up((uint64_t)(lines * (MATMUL_PANEL / 4)), RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

/*
 * Products a row that a user counts: those of the convolution without the algorithm, so that rates tell what was
 * gained.
 */
static double useful_depth(const struct winograd *winograd)
{
    return (double)(POSITIONS * shape_channels(winograd->input)) * (double)shape_positions(winograd->output) /
           (double)(WINOGRAD_PRODUCTS * tiles_of_sample(winograd->output));
}

static enum status convolve_chunk(struct tape *tape, const struct winograd *winograd, const struct chunk *chunk,
                                  const struct winograd_bindings *bindings, const int scratch[3])
{
    int64_t inputs = shape_stride(winograd->input);
    int64_t outputs = shape_stride(winograd->output);
    int64_t sample = shape_elements(winograd->output, DTYPE_FLOAT32) * (int64_t)sizeof(float);
    TRY(add_input(tape, winograd, chunk, bindings->image, scratch[0]));
    struct matmul_rows products = {
        .left = matmul_left_rows(tape_bind(tape, scratch[0], ACCESS_READ), inputs),
        .rows = chunk->tiles,
        .right = tape_bind(tape, scratch[1], ACCESS_READ),
        .layout = RIGHT_PANELS,
        .columns = shape_channels(winograd->output),
        .output = tape_bind(tape, scratch[2], ACCESS_WRITE),
        .batch_count = WINOGRAD_PRODUCTS,
        .batch = {.left = (uint)(chunk->tiles * inputs / 4),
                  .right = (uint)(inputs * outputs / 4),
                  .result = (uint)(chunk->tiles * outputs / 4)},
    };
    products.left.useful_depth = useful_depth(winograd);
    TRY(matmul_rows(tape, &products));
    struct dispatch dispatch = {
        .kernel = "winograd_output",
        .bindings = {tape_bind(tape, scratch[2], ACCESS_READ),
                     bindings->bias != NULL ? *bindings->bias : bindings->weight,
                     binding_part(bindings->result, chunk->first_sample * sample, chunk->samples * sample)},
        .binding_count = 3,
        .constants = {bindings->bias != NULL}};
    epilogue_add(&dispatch, 1, bindings->epilogue);
    return add_image_kernel(tape, winograd, chunk, winograd->output, dispatch);
}

enum status winograd_convolve(struct tape *tape, const struct winograd *winograd,
                              const struct winograd_bindings *bindings)
{
    int64_t total = geometry_samples(&tape->geometry);
    int64_t unit = aligned_samples(winograd->output);
    int64_t step = tape->tuning->winograd_chunk / larger_tiles_size(winograd) / unit * unit;
    step = step > 0 ? step : unit;
    int64_t most = step < total ? step : total;
    int scratch[3];
    TRY(tape_scratch(tape, "tiles of inputs", (uint64_t)(most * tiles_size(winograd, shape_stride(winograd->input))),
                     &scratch[0]));
    TRY(tape_scratch(tape, "weights of products", (uint64_t)weight_size(winograd), &scratch[1]));
    TRY(tape_scratch(tape, "tiles of outputs", (uint64_t)(most * tiles_size(winograd, shape_stride(winograd->output))),
                     &scratch[2]));
    struct binding weights = tape_bind(tape, scratch[1], ACCESS_WRITE);
    TRY(bindings->transposed ? add_transposed_weight_kernel(tape, winograd, bindings->weight, weights)
                             : add_weight_kernel(tape, winograd, "winograd_weight", bindings->weight, weights));
    for (int64_t first = 0; first < total; first += step) {
        struct chunk chunk = make_chunk(winograd, first, total - first < step ? total - first : step);
        TRY(convolve_chunk(tape, winograd, &chunk, bindings, scratch));
    }
    return STATUS_OK;
}

/* The sum over a part of a shard, in the layout of the weights. */
static enum status sum_chunk(struct tape *tape, const struct winograd *winograd, const struct chunk *chunk,
                             const struct binding operands[2], const int scratch[3], struct binding result)
{
    int64_t inputs = shape_stride(winograd->input);
    int64_t outputs = shape_stride(winograd->output);
    TRY(add_input(tape, winograd, chunk, operands[0], scratch[0]));
    TRY(add_output_gradient(tape, winograd, chunk, operands[1], scratch[1]));
    struct matmul_columns products = {
        .left = matmul_left_rows(tape_bind(tape, scratch[0], ACCESS_READ), inputs),
        .right = tape_bind(tape, scratch[1], ACCESS_READ),
        .columns = shape_channels(winograd->output),
        .rows = {.shards = 1, .shard_rows = chunk->tiles},
        .output = tape_bind(tape, scratch[2], ACCESS_WRITE),
        .layout = RIGHT_PANELS,
        .batch_count = WINOGRAD_PRODUCTS,
        .batch = {.left = (uint)(chunk->tiles * inputs / 4),
                  .right = (uint)(chunk->tiles * outputs / 4),
                  .result = (uint)(inputs * outputs / 4)},
    };
    products.left.useful_depth = useful_depth(winograd);
    TRY(matmul_columns(tape, &products));
    return add_weight_kernel(tape, winograd, "winograd_weight_gradient", tape_bind(tape, scratch[2], ACCESS_READ),
                             result);
}

enum status winograd_weight_gradient(struct tape *tape, const struct winograd *winograd, struct binding input,
                                     struct binding output_gradient, const struct layer *layer, int weight)
{
    const struct geometry *geometry = &tape->geometry;
    int64_t step = part_samples(winograd, geometry->shard_samples);
    int64_t parts = divide_up_count(geometry->shard_samples, step);
    int64_t count = POSITIONS * panels_elements(shape_stride(winograd->input), shape_channels(winograd->output));
    int64_t stride = round_up_count(count, PARAMETER_ALIGNMENT);
    int64_t row = stride * (int64_t)sizeof(float);
    int scratch[3];
    int sums;
    TRY(tape_scratch(tape, "tiles of inputs", (uint64_t)(step * tiles_size(winograd, shape_stride(winograd->input))),
                     &scratch[0]));
    TRY(tape_scratch(tape, "tiles of output gradients",
                     (uint64_t)(step * tiles_size(winograd, shape_stride(winograd->output))), &scratch[1]));
    TRY(tape_scratch(tape, "gradients of products", (uint64_t)weight_size(winograd), &scratch[2]));
    TRY(tape_scratch(tape, "weight gradients of parts", (uint64_t)(geometry->shard_count * parts * row), &sums));
    for (int64_t i = 0; i < geometry->shard_count * parts; i++) {
        int64_t first = i % parts * step;
        int64_t left = geometry->shard_samples - first;
        struct chunk chunk =
            make_chunk(winograd, i / parts * geometry->shard_samples + first, left < step ? left : step);
        struct binding result =
            binding_part(tape_bind(tape, sums, ACCESS_WRITE), i * row, count * (int64_t)sizeof(float));
        TRY(sum_chunk(tape, winograd, &chunk, (struct binding[]){input, output_gradient}, scratch, result));
    }
    struct chunk_sums all = {
        .values = tape_bind(tape, sums, ACCESS_READ), .chunks = parts, .stride = stride, .count = count};
    return reduce_chunks(tape, &all, layer, weight);
}
