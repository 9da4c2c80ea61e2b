#include "compute/kernels/matmul_gpu.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/matmul_private.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "shaders/matmul_gpu.h"

/*
 * What a product's shape calls for. The sizes here decide into how many parts a sum is cut, so they are the same on
 * every device; `tuned` is the tile that is run for it.
 */
struct tile {
    int64_t rows, columns;
    size_t tuned; /* the field of struct tuning */
};
static const struct tile common_tile = {MATMUL_GPU_TILE_ROWS, MATMUL_GPU_TILE_COLUMNS,
                                        offsetof(struct tuning, common_tile)};
static const struct tile large_tile = {128, 128, offsetof(struct tuning, large_tile)};
static const struct tile narrow_tile = {128, 32, offsetof(struct tuning, narrow_tile)};

/* Workgroups that keep a large GPU busy. */
enum { ENOUGH_GROUPS = 128 };
/* A part of a sum is worth its way through memory from that many products on. */
enum { MIN_PART = 512, MAX_PARTS = 64 };

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t vectors_of(int64_t columns)
{
    return divide_up_count(columns, 4);
}

static int64_t tile_step(const struct tile *tile)
{
    return MATMUL_GPU_STEP(tile->rows);
}

static int64_t tile_count(const struct tile *tile, int64_t rows, int64_t columns)
{
    return divide_up_count(rows, tile->rows) * divide_up_count(columns, tile->columns);
}

/* Whether large tiles waste little of themselves. */
static bool suits_large(int64_t columns)
{
    return columns >= large_tile.columns && round_up_count(columns, large_tile.columns) <= columns + columns / 8;
}

/* The tile that is run for sums of `length` products, each in one loop. */
static const struct gpu_tile *tuned_tile(const struct tape *tape, const struct tile *tile, int64_t length)
{
    int64_t shape;
    memcpy(&shape, (const char *)tape->tuning + tile->tuned, sizeof shape);
    if (length <= (int64_t)DISPATCH_MAX_TURNS * MATMUL_GPU_STEP(gpu_tiles[shape].rows)) {
        return &gpu_tiles[shape];
    }
    return &gpu_tiles[GPU_TILE_64X64]; /* of the most products a turn */
}

static bool multiplies_matrices(const struct tape *tape)
{
    return tape->device_class == CLASS_GPU_MATRIX;
}

static void set_tile(const struct tape *tape, struct dispatch *dispatch, const struct gpu_tile *tile)
{
    dispatch->constants[5] = tile->rows;
    dispatch->constants[6] = tile->columns;
    dispatch->constant_count = 7;
    if (!multiplies_matrices(tape)) {
        dispatch->constants[dispatch->constant_count++] = tile->sum_vectors;
    }
}

/* Parts of `length` products each, but for the last; a multiple of a turn's. */
struct split {
    const struct tile *tile;
    int64_t parts;
    int64_t length;
};

static struct split make_split(const struct tile *tile, int64_t total, int64_t parts)
{
    int64_t step = tile_step(tile);
    int64_t turns = divide_up_count(total, step);
    int64_t part_turns = divide_up_count(turns, parts > 1 ? parts : 1);
    return (struct split){.tile = tile, .parts = divide_up_count(turns, part_turns), .length = part_turns * step};
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

static struct split split_depth(const struct tape *tape, const struct matmul_rows *params)
{
    int64_t depth = params->left.depth;
    bool can_step = depth <= (int64_t)DISPATCH_MAX_TURNS * tile_step(&large_tile);
    bool is_narrow = params->columns <= narrow_tile.columns && can_step;
    /* Enough workgroups in any case, and rows may be any part of the batch's; or places that parts do not have. */
    if (params->batch_count > 1 || params->scatter != NULL) {
        bool is_large = suits_large(params->columns) && can_step;
        return make_split(is_narrow ? &narrow_tile : is_large ? &large_tile : &common_tile, depth, 1);
    }
    /* Not all rows, for the order of summation must not depend on how many shards are here. */
    int64_t shard_rows = divide_up_count(params->rows, tape->geometry.shard_count);
    bool is_large = suits_large(params->columns) && can_step &&
                    tile_count(&large_tile, shard_rows, params->columns) >= ENOUGH_GROUPS / 2;
    const struct tile *tile = is_narrow ? &narrow_tile : is_large ? &large_tile : &common_tile;
    int64_t parts = smaller(ENOUGH_GROUPS / tile_count(tile, shard_rows, params->columns), depth / MIN_PART);
    return make_split(tile, depth, smaller(parts, MAX_PARTS));
}

static enum status add_rows(struct tape *tape, const struct matmul_rows *params, const struct split *split,
                            const struct matmul_rows_part *part)
{
    const struct gpu_tile *tile = tuned_tile(tape, split->tile, split->length);
    int64_t row_tiles = divide_up_count(part->rows, tile->rows);
    struct matmul_rows_gpu_push push = {.left = params->left.gather,
                                        .batch = params->batch,
                                        .row_tiles = divisor_of(row_tiles),
                                        .places = part->places,
                                        .first_row = (uint)part->first,
                                        .end_row = (uint)(part->first + part->rows),
                                        .depth = (uint)(params->left.depth / 4),
                                        .columns = (uint)params->columns,
                                        .parts = (uint)split->parts,
                                        .part_depth = (uint)(split->length / 4)};
    const char *kernel = multiplies_matrices(tape) ? "matmul_rows_matrix" : "matmul_rows_gpu";
    struct dispatch dispatch = matmul_rows_dispatch(kernel, params, part);
    set_tile(tape, &dispatch, tile);
    epilogue_add(&dispatch, 8, split->parts > 1 ? NULL : params->epilogue);
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(row_tiles * divide_up_count(params->columns, tile->columns)));
    dispatch.groups[2] = (uint32_t)(matmul_products(params->batch_count) * split->parts);
    return tape_dispatch(tape, &dispatch);
}

/* Parts of the depth into scratch, then their sum; rows that a storage buffer holds at once. */
static enum status add_row_parts(struct tape *tape, const struct matmul_rows *params, const struct split *split,
                                 const struct matmul_rows_part *part)
{
    int64_t count = part->rows * vectors_of(params->columns) * 4;
    int scratch;
    TRY(tape_scratch(tape, "products of parts", (uint64_t)(split->parts * count) * sizeof(float), &scratch));
    struct matmul_rows_part parts = *part;
    parts.output = tape_bind(tape, scratch, ACCESS_WRITE);
    TRY(add_rows(tape, params, split, &parts));
    struct epilogue epilogue = {0};
    if (params->epilogue != NULL) {
        epilogue = *params->epilogue;
        epilogue.residual = binding_part(epilogue.residual, (int64_t)(part->output.offset - params->output.offset),
                                         (int64_t)part->output.size);
    }
    struct row_sums sums = {.rows = tape_bind(tape, scratch, ACCESS_READ),
                            .groups = 1,
                            .group_rows = split->parts,
                            .stride = count,
                            .scale = 1,
                            .sums = part->output,
                            .columns = params->columns,
                            .epilogue = params->epilogue != NULL ? &epilogue : NULL};
    return reduce_rows(tape, &sums);
}

enum status matmul_gpu_rows(struct tape *tape, const struct matmul_rows *params, const struct matmul_rows_part *part)
{
    struct split split = split_depth(tape, params);
    if (split.parts == 1) {
        return add_rows(tape, params, &split, part);
    }
    int64_t row_size = vectors_of(params->columns) * VECTOR_SIZE;
    int64_t limit = DISPATCH_MAX_STORAGE / (row_size * split.parts) / split.tile->rows * split.tile->rows;
    for (int64_t first = 0; first < part->rows; first += limit) {
        struct matmul_rows_part some = *part;
        some.first += first;
        some.rows = smaller(part->rows - first, limit);
        some.output = binding_part(part->output, first * row_size, some.rows * row_size);
        TRY(add_row_parts(tape, params, &split, &some));
    }
    return STATUS_OK;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

/* The parts that a split cuts each shard into, kept apart; without one (NULL) the sums of shards, added as a tree. */
static enum status add_columns(struct tape *tape, const struct matmul_columns *params, const struct tile_range *tiles,
                               const struct gpu_tile *tile, const struct split *split)
{
    const struct row_range *rows = &params->rows;
    struct matmul_columns_gpu_push push = {.left = params->left.gather,
                                           .batch = params->batch,
                                           .depth_tiles = divisor_of(tiles->depth_count),
                                           .first_depth_tile = (uint)tiles->first_depth,
                                           .first_column_tile = (uint)tiles->first_column,
                                           .first_vector = (uint)tiles->first_vector,
                                           .first_row = (uint)rows->first_row,
                                           .shards = (uint)rows->shards,
                                           .shard_rows = (uint)rows->shard_rows,
                                           .columns = (uint)vectors_of(params->columns),
                                           .parts = split != NULL ? (uint)split->parts : 1,
                                           .part_rows = (uint)(split != NULL ? split->length : rows->shard_rows)};
    const char *kernel = multiplies_matrices(tape) ? "matmul_columns_matrix" : "matmul_columns_gpu";
    struct dispatch dispatch = matmul_columns_dispatch(kernel, params, tiles);
    dispatch.constants[3] = split != NULL;
    dispatch.constants[4] = params->sums != NULL;
    set_tile(tape, &dispatch, tile);
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(tiles->depth_count * tiles->column_count));
    int64_t outputs = split != NULL ? rows->shards * split->parts : matmul_products(params->batch_count);
    dispatch.groups[2] = (uint32_t)outputs;
    return tape_dispatch(tape, &dispatch);
}

enum status matmul_gpu_columns(struct tape *tape, const struct matmul_columns *params, const struct tile_range *tiles)
{
    return add_columns(tape, params, tiles, &gpu_tiles[GPU_TILE_64X64], NULL); /* for the tree of shards: 4 x 4 sums */
}

static struct split split_rows(const struct matmul_gradient *params)
{
    int64_t depth = params->left.depth;
    int64_t possible = smaller(divide_up_count(params->shard_rows, MIN_PART), MAX_PARTS);
    bool is_large = depth >= large_tile.rows && suits_large(params->columns) &&
                    tile_count(&large_tile, depth, params->columns) * possible >= ENOUGH_GROUPS;
    bool is_narrow = params->columns <= narrow_tile.columns;
    const struct tile *tile = is_narrow ? &narrow_tile : is_large ? &large_tile : &common_tile;
    int64_t parts = smaller(ENOUGH_GROUPS / tile_count(tile, depth, params->columns), possible);
    int64_t least = divide_up_count(params->shard_rows, (int64_t)DISPATCH_MAX_TURNS * tile_step(tile));
    return make_split(tile, params->shard_rows, parts > least ? parts : least);
}

bool matmul_gpu_splits(const struct matmul_gradient *params)
{
    int64_t depth = params->left.depth;
    struct split split = split_rows(params);
    int64_t size = depth * vectors_of(params->columns) * VECTOR_SIZE;
    return tile_count(&common_tile, depth, params->columns) < ENOUGH_GROUPS && params->shard_rows >= MIN_PART &&
           split.parts <= MAX_PARTS && PIECE_MAX_SHARDS * split.parts * size <= DISPATCH_MAX_STORAGE;
}

/* Where a kernel puts what becomes `output`, of `count` floats: there, or every part of every shard into scratch. */
static enum status place_parts(struct tape *tape, const char *name, const struct split *split,
                               const struct row_range *rows, int64_t count, struct binding output,
                               struct binding *parts)
{
    *parts = output;
    if (rows->shards * split->parts == 1) {
        return STATUS_OK;
    }
    int scratch;
    TRY(tape_scratch(tape, name, (uint64_t)(rows->shards * split->parts * count) * sizeof(float), &scratch));
    *parts = tape_bind(tape, scratch, ACCESS_WRITE);
    return STATUS_OK;
}

/* From them to the output: parts are added in order, then shards as the tree. */
static enum status add_parts(struct tape *tape, const struct split *split, const struct row_range *rows, int64_t count,
                             struct binding parts, struct binding output)
{
    struct binding shards = parts;
    if (split->parts > 1) {
        shards = output;
        if (rows->shards > 1) {
            int scratch;
            TRY(tape_scratch(tape, "sums of shards", (uint64_t)(rows->shards * count) * sizeof(float), &scratch));
            shards = tape_bind(tape, scratch, ACCESS_WRITE);
        }
        parts.access = ACCESS_READ;
        struct row_sums sums = {.rows = parts,
                                .groups = rows->shards,
                                .group_rows = split->parts,
                                .stride = count,
                                .scale = 1,
                                .sums = shards};
        TRY(reduce_rows(tape, &sums));
    }
    if (rows->shards == 1) {
        return STATUS_OK;
    }
    shards.access = ACCESS_READ;
    struct tree_sum tree = {.values = shards, .shards = rows->shards, .stride = count, .count = count, .sum = output};
    return reduce_tree(tape, &tree);
}

enum status matmul_gpu_split(struct tape *tape, const struct matmul_gradient *params, const struct row_range *rows,
                             struct binding output, const struct binding *sums)
{
    struct split split = split_rows(params);
    const struct gpu_tile *tile = tuned_tile(tape, split.tile, split.length);
    int64_t width = vectors_of(params->columns) * 4;
    int64_t count = params->left.depth * width;
    struct binding sum_parts;
    struct matmul_columns product = {.left = params->left,
                                     .right = params->right,
                                     .columns = params->columns,
                                     .rows = *rows,
                                     .layout = RIGHT_PANELS,
                                     .sums = sums != NULL ? &sum_parts : NULL};
    TRY(place_parts(tape, "sums of parts", &split, rows, count, output, &product.output));
    if (sums != NULL) {
        TRY(place_parts(tape, "bias gradients of parts", &split, rows, width, *sums, &sum_parts));
    }
    struct tile_range all = {.depth_count = divide_up_count(matmul_columns_rows(&product), tile->rows),
                             .column_count = divide_up_count(params->columns, tile->columns),
                             .vector_count = count / 4};
    TRY(add_columns(tape, &product, &all, tile, &split));
    TRY(add_parts(tape, &split, rows, count, product.output, output));
    return sums == NULL ? STATUS_OK : add_parts(tape, &split, rows, width, sum_parts, *sums);
}
