/*
 * The gradient of weights, in one of two ways. As products: the tiles of a shard, or of a part of it, are multiplied as
 * 36 matrices, which are written, transformed, and added to those of the other shards. In registers: one kernel,
 * winograd_weight_sums, does all of that, and is the faster where shards have few tiles; for class cpu only.
 */
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "compute/kernels/winograd_private.h"

/*
 * Bytes of tiles that are summed over at once as products: they should stay in a processor's cache. It decides an order
 * of summation, so it is the same everywhere; what decides none is tuned (tuning.winograd_chunk).
 */
static const int64_t SUM_CHUNK_SIZE = 4 << 20;

/* Samples of a shard that are summed at once. */
static int64_t part_samples(const struct winograd *winograd, int64_t shard_samples)
{
    int64_t samples = SUM_CHUNK_SIZE / winograd_larger_tiles_size(winograd);
    samples = samples > 0 ? samples : 1;
    return samples < shard_samples ? samples : shard_samples;
}

/* Nanoseconds of a shard beside its transforms, as products. */
static double products_cost(const struct winograd *winograd, int64_t samples)
{
    static const double EVICTED = 1.05; /* a gradient of products written and read again, where no cache holds them */
    double parts = (double)divide_up_count(samples, part_samples(winograd, samples));
    double tiles = (double)(samples * winograd_tiles_of_sample(winograd));
    double weights = (double)shape_stride(winograd->input) * (double)shape_stride(winograd->output);
    return WINOGRAD_PRODUCT * WINOGRAD_PRODUCTS * tiles * weights + parts * winograd_weight_cost(winograd, EVICTED);
}

/* The same in registers. */
static double registers_cost(const struct winograd *winograd, int64_t samples)
{
    static const double TURN = 7.5, TREE = 2; /* nanoseconds a weight: a turn of tiles, adding a shard's sum */
    static const int64_t COLUMNS =
        32; /* of 16 lanes and two shards; with 8 lanes 16, but all ranks must choose alike */
    double turns = (double)divide_up_count(samples * winograd_tiles_of_sample(winograd), WINOGRAD_SUMS_ROWS);
    double weights = (double)round_up_count(shape_stride(winograd->input), WINOGRAD_SUMS_HEIGHT) *
                     (double)round_up_count(shape_stride(winograd->output), COLUMNS);
    return (TURN * turns + TREE) * weights;
}

/* The part of the batch that the piece is. */
static struct winograd_chunk make_piece(const struct winograd *winograd, const struct geometry *geometry,
                                        const struct piece *piece)
{
    return winograd_make_sets(winograd, (piece->first - geometry->first_shard) * geometry->shard_samples,
                              piece->count * geometry->shard_samples, piece->count);
}

/* Vectors of blocks of tiles: of inputs, and of the output's gradients. */
enum { INPUT_BLOCK = WINOGRAD_SUMS_HEIGHT / 4 };

static uint32_t gradient_block(const struct tape *tape, const struct winograd_chunk *chunk)
{
    return (uint32_t)tape->lanes / chunk->set;
}

/* Turns of the kernel's loops: a turn of tiles takes one for each line of six products and for each input in it. */
static int64_t loop_turns(const struct winograd_chunk *piece)
{
    enum { LINES = 6, TREE = 2 }; /* loops around those over a set */
    return piece->sets * (piece->turns * LINES * (1 + WINOGRAD_SUMS_HEIGHT) + TREE);
}

/* A pure function of shapes, shards and the class, so the same on every rank. */
static bool in_registers(const struct tape *tape, const struct winograd *winograd)
{
    static const uint32_t LARGEST_BLOCK = 16; /* of 16 lanes and one shard, however many this rank has */
    const struct geometry *geometry = &tape->geometry;
    struct piece all = {.first = geometry->first_shard, .count = PIECE_MAX_SHARDS};
    struct winograd_chunk most = make_piece(winograd, geometry, &all);
    int64_t inputs = winograd_set_vectors(&most, LARGEST_BLOCK, shape_stride(winograd->input) / 4);
    int64_t outputs = winograd_set_vectors(&most, LARGEST_BLOCK, shape_stride(winograd->output) / 4);
    return tape->device_class == CLASS_CPU && inputs * VECTOR_SIZE <= DISPATCH_MAX_STORAGE &&
           outputs * VECTOR_SIZE <= DISPATCH_MAX_STORAGE && loop_turns(&most) <= DISPATCH_MAX_TURNS &&
           registers_cost(winograd, geometry->shard_samples) < products_cost(winograd, geometry->shard_samples);
}

bool winograd_gradient_pays(const struct tape *tape, const struct winograd *winograd)
{
    int64_t samples = tape->geometry.shard_samples;
    double inputs = (double)shape_stride(winograd->input);
    double outputs = (double)shape_stride(winograd->output);
    double tiles = (double)(samples * winograd_tiles_of_sample(winograd));
    double positions = (double)(samples * shape_positions(winograd->output));
    double direct = positions * outputs * WINOGRAD_POSITIONS * inputs * WINOGRAD_PRODUCT;
    double transforms = (inputs + outputs) * (WINOGRAD_READ + WINOGRAD_WRITE) * WINOGRAD_PRODUCTS;
    double sums = in_registers(tape, winograd) ? registers_cost(winograd, samples) : products_cost(winograd, samples);
    return direct > WINOGRAD_MARGIN * (tiles * transforms + sums);
}

/* --- in registers ------------------------------------------------------------------------------------------------- */

static enum status sum_piece(struct tape *tape, const struct winograd *winograd, const struct winograd_chunk *piece,
                             const int tiles[2], struct binding result)
{
    int64_t inputs = shape_stride(winograd->input) / 4;
    int64_t outputs = shape_stride(winograd->output) / 4;
    int64_t row_tiles = divide_up_count(inputs, INPUT_BLOCK);
    int64_t column_tiles = divide_up_count(outputs, gradient_block(tape, piece));
    int64_t size = winograd_set_vectors(piece, INPUT_BLOCK, INPUT_BLOCK) * VECTOR_SIZE;
    struct winograd_weight_sums_push push = {.order = matmul_order(tape, row_tiles, column_tiles, size),
                                             .shards = (uint)piece->shards,
                                             .turns = (uint)piece->turns,
                                             .inputs = (uint)inputs,
                                             .outputs = (uint)outputs};
    struct dispatch dispatch = {
        .kernel = "winograd_weight_sums",
        .bindings = {tape_bind(tape, tiles[0], ACCESS_READ), tape_bind(tape, tiles[1], ACCESS_READ), result},
        .binding_count = 3,
        .constants = {piece->set, piece->shards % piece->set == 0},
        .constant_count = 2,
        .flops = 2.0 * WINOGRAD_POSITIONS * (double)(piece->samples * shape_positions(winograd->output)) *
                 (double)(shape_channels(winograd->input) * shape_channels(winograd->output))};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(row_tiles * column_tiles));
    return tape_dispatch(tape, &dispatch);
}

static enum status sum_in_registers(struct tape *tape, const struct winograd *winograd, struct binding input,
                                    struct binding output_gradient, const struct layer *layer, int weight)
{
    const struct geometry *geometry = &tape->geometry;
    int64_t most[2] = {0, 0};
    for (int i = 0; i < geometry->piece_count; i++) {
        struct winograd_chunk piece = make_piece(winograd, geometry, &geometry->pieces[i]);
        int64_t vectors[2] = {
            winograd_set_vectors(&piece, INPUT_BLOCK, shape_stride(winograd->input) / 4),
            winograd_set_vectors(&piece, gradient_block(tape, &piece), shape_stride(winograd->output) / 4)};
        for (int j = 0; j < 2; j++) {
            most[j] = vectors[j] > most[j] ? vectors[j] : most[j];
        }
    }
    int tiles[2];
    TRY(tape_scratch(tape, "tiles of inputs", (uint64_t)most[0] * VECTOR_SIZE, &tiles[0]));
    TRY(tape_scratch(tape, "tiles of output gradients", (uint64_t)most[1] * VECTOR_SIZE, &tiles[1]));
    for (int i = 0; i < geometry->piece_count; i++) {
        struct winograd_chunk piece = make_piece(winograd, geometry, &geometry->pieces[i]);
        TRY(winograd_input_tiles(tape, winograd, &piece, INPUT_BLOCK, input, tape_bind(tape, tiles[0], ACCESS_WRITE)));
        TRY(winograd_gradient_tiles(tape, winograd, &piece, gradient_block(tape, &piece), output_gradient,
                                    tape_bind(tape, tiles[1], ACCESS_WRITE)));
        TRY(sum_piece(tape, winograd, &piece, tiles, tape_parameter_gradient(tape, layer, weight, i)));
    }
    return STATUS_OK;
}

/* --- as products -------------------------------------------------------------------------------------------------- */

/* The sum over a part of a shard, in the layout of the weights. */
static enum status sum_part(struct tape *tape, const struct winograd *winograd, const struct winograd_chunk *part,
                            const struct binding operands[2], const int scratch[3], struct binding result)
{
    int64_t inputs = shape_stride(winograd->input);
    int64_t outputs = shape_stride(winograd->output);
    TRY(winograd_input_tiles(tape, winograd, part, 0, operands[0], tape_bind(tape, scratch[0], ACCESS_WRITE)));
    TRY(winograd_gradient_tiles(tape, winograd, part, 0, operands[1], tape_bind(tape, scratch[1], ACCESS_WRITE)));
    struct matmul_columns products = {
        .left = matmul_left_rows(tape_bind(tape, scratch[0], ACCESS_READ), inputs),
        .right = tape_bind(tape, scratch[1], ACCESS_READ),
        .columns = shape_channels(winograd->output),
        .rows = {.shards = 1, .shard_rows = part->tiles},
        .output = tape_bind(tape, scratch[2], ACCESS_WRITE),
        .layout = RIGHT_PANELS,
        .batch_count = WINOGRAD_PRODUCTS,
        .batch = {.left = (uint)(part->tiles * inputs / 4),
                  .right = (uint)(part->tiles * outputs / 4),
                  .result = (uint)(inputs * outputs / 4)},
    };
    products.left.useful_depth = winograd_useful_depth(winograd);
    TRY(matmul_columns(tape, &products));
    return winograd_weight_kernel(tape, winograd, "winograd_weight_gradient", tape_bind(tape, scratch[2], ACCESS_READ),
                                  result);
}

static enum status sum_as_products(struct tape *tape, const struct winograd *winograd, struct binding input,
                                   struct binding output_gradient, const struct layer *layer, int weight)
{
    const struct geometry *geometry = &tape->geometry;
    int64_t step = part_samples(winograd, geometry->shard_samples);
    int64_t parts = divide_up_count(geometry->shard_samples, step);
    int64_t count =
        WINOGRAD_POSITIONS * panels_elements(shape_stride(winograd->input), shape_channels(winograd->output));
    int64_t stride = round_up_count(count, PARAMETER_ALIGNMENT);
    int64_t row = stride * (int64_t)sizeof(float);
    int scratch[3];
    int sums;
    TRY(tape_scratch(tape, "tiles of inputs",
                     (uint64_t)(step * winograd_tiles_size(winograd, shape_stride(winograd->input))), &scratch[0]));
    TRY(tape_scratch(tape, "tiles of output gradients",
                     (uint64_t)(step * winograd_tiles_size(winograd, shape_stride(winograd->output))), &scratch[1]));
    TRY(tape_scratch(tape, "gradients of products", (uint64_t)winograd_weight_size(winograd), &scratch[2]));
    TRY(tape_scratch(tape, "weight gradients of parts", (uint64_t)(geometry->shard_count * parts * row), &sums));
    for (int64_t i = 0; i < geometry->shard_count * parts; i++) {
        int64_t first = i % parts * step;
        int64_t left = geometry->shard_samples - first;
        struct winograd_chunk part =
            winograd_make_chunk(winograd, i / parts * geometry->shard_samples + first, left < step ? left : step);
        struct binding result =
            binding_part(tape_bind(tape, sums, ACCESS_WRITE), i * row, count * (int64_t)sizeof(float));
        TRY(sum_part(tape, winograd, &part, (struct binding[]){input, output_gradient}, scratch, result));
    }
    struct chunk_sums all = {
        .values = tape_bind(tape, sums, ACCESS_READ), .chunks = parts, .stride = stride, .count = count};
    return reduce_chunks(tape, &all, layer, weight);
}

enum status winograd_weight_gradient(struct tape *tape, const struct winograd *winograd, struct binding input,
                                     struct binding output_gradient, const struct layer *layer, int weight)
{
    return in_registers(tape, winograd) ? sum_in_registers(tape, winograd, input, output_gradient, layer, weight)
                                        : sum_as_products(tape, winograd, input, output_gradient, layer, weight);
}
