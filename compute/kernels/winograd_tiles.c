/* Tiles, and what lies between them and images or weights. */
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/range.h"
#include "compute/kernels/winograd_private.h"

int64_t winograd_tiles_of_sample(const struct winograd *winograd)
{
    return divide_up_count(shape_height(winograd->output), WINOGRAD_TILE) *
           divide_up_count(shape_width(winograd->output), WINOGRAD_TILE);
}

int64_t winograd_tiles_size(const struct winograd *winograd, int64_t channels)
{
    return WINOGRAD_PRODUCTS * winograd_tiles_of_sample(winograd) * channels * (int64_t)sizeof(float);
}

int64_t winograd_larger_tiles_size(const struct winograd *winograd)
{
    int64_t input = winograd_tiles_size(winograd, shape_stride(winograd->input));
    int64_t output = winograd_tiles_size(winograd, shape_stride(winograd->output));
    return input > output ? input : output;
}

int64_t winograd_weight_size(const struct winograd *winograd)
{
    return WINOGRAD_PRODUCTS * panels_elements(shape_stride(winograd->input), shape_channels(winograd->output)) *
           (int64_t)sizeof(float);
}

struct winograd_chunk winograd_make_chunk(const struct winograd *winograd, int64_t first_sample, int64_t samples)
{
    return (struct winograd_chunk){
        .first_sample = first_sample, .samples = samples, .tiles = samples * winograd_tiles_of_sample(winograd)};
}

struct winograd_chunk winograd_make_sets(const struct winograd *winograd, int64_t first_sample, int64_t samples,
                                         int64_t shards)
{
    struct winograd_chunk chunk = winograd_make_chunk(winograd, first_sample, samples);
    chunk.set = shards > 1 ? 2 : 1;
    chunk.shards = shards;
    chunk.sets = divide_up_count(shards, chunk.set);
    chunk.turns = divide_up_count(chunk.tiles / shards, WINOGRAD_SUMS_ROWS);
    return chunk;
}

int64_t winograd_set_vectors(const struct winograd_chunk *chunk, uint32_t block, int64_t vectors)
{
    int64_t rows = chunk->sets * chunk->set * chunk->turns * WINOGRAD_SUMS_ROWS;
    return round_up_count(vectors, block) * rows * WINOGRAD_PRODUCTS;
}

/* Between an image and tiles: `image` has the channels and the size that the kernel reads or writes. */
static struct winograd_image_push make_push(const struct winograd *winograd, const struct winograd_chunk *chunk,
                                            struct shape image)
{
    int64_t vectors = shape_stride(image) / 4;
    return (struct winograd_image_push){
        .count = (uint)(chunk->tiles * vectors),
        .vectors = divisor_of(vectors),
        .tiles_width = divisor_of(divide_up_count(shape_width(winograd->output), WINOGRAD_TILE)),
        .tiles_height = divisor_of(divide_up_count(shape_height(winograd->output), WINOGRAD_TILE)),
        .first_tile = (uint)(chunk->first_sample * winograd_tiles_of_sample(winograd)),
        .first_sample = (uint)chunk->first_sample,
        .height = (uint)shape_height(image),
        .width = (uint)shape_width(image),
        .padding_height = (uint)winograd->padding[0],
        .padding_width = (uint)winograd->padding[1],
        .channels = (uint)shape_channels(image)};
}

static enum status add_image_kernel(struct tape *tape, struct dispatch dispatch, const struct winograd_image_push *push)
{
    dispatch_push(&dispatch, *push);
    dispatch_groups(&dispatch, divide_up(push->count, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

static enum status add_tiles_kernel(struct tape *tape, const char *kernel, struct winograd_image_push push,
                                    const struct winograd_chunk *chunk, uint32_t block, struct binding image,
                                    struct binding tiles)
{
    struct dispatch dispatch = {.kernel = kernel,
                                .bindings = {image, tiles},
                                .binding_count = 2,
                                .constants = {0, 1}, /* product by product */
                                .constant_count = 2};
    if (chunk->set > 0) {
        push.count = (uint)(winograd_set_vectors(chunk, block, push.vectors.value) / WINOGRAD_PRODUCTS);
        push.sets = divisor_of(chunk->sets);
        push.turns = divisor_of(chunk->turns);
        push.shards = (uint)chunk->shards;
        push.shard_tiles = (uint)(chunk->tiles / chunk->shards);
        dispatch.constants[0] = block;
        dispatch.constants[1] = chunk->set;
    }
    return add_image_kernel(tape, dispatch, &push);
}

enum status winograd_input_tiles(struct tape *tape, const struct winograd *winograd, const struct winograd_chunk *chunk,
                                 uint32_t block, struct binding image, struct binding tiles)
{
    struct winograd_image_push push = make_push(winograd, chunk, winograd->input);
    return add_tiles_kernel(tape, "winograd_input", push, chunk, block, image, tiles);
}

enum status winograd_gradient_tiles(struct tape *tape, const struct winograd *winograd,
                                    const struct winograd_chunk *chunk, uint32_t block, struct binding gradient,
                                    struct binding tiles)
{
    struct winograd_image_push push = make_push(winograd, chunk, winograd->output);
    return add_tiles_kernel(tape, "winograd_output_gradient", push, chunk, block, gradient, tiles);
}

enum status winograd_output_kernel(struct tape *tape, const struct winograd *winograd,
                                   const struct winograd_chunk *chunk, struct dispatch dispatch)
{
    struct winograd_image_push push = make_push(winograd, chunk, winograd->output);
    return add_image_kernel(tape, dispatch, &push);
}

enum status winograd_weight_kernel(struct tape *tape, const struct winograd *winograd, const char *kernel,
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

double winograd_useful_depth(const struct winograd *winograd)
{
    return (double)(WINOGRAD_POSITIONS * shape_channels(winograd->input)) * (double)shape_positions(winograd->output) /
           (double)(WINOGRAD_PRODUCTS * winograd_tiles_of_sample(winograd));
}

static const int64_t CACHE_SIZE = 2 << 20;

double winograd_weight_cost(const struct winograd *winograd, double evicted)
{
    int64_t size = winograd_weight_size(winograd);
    return (double)size / sizeof(float) * (size > CACHE_SIZE ? evicted : WINOGRAD_READ + WINOGRAD_WRITE);
}
