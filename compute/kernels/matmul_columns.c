#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/matmul_gpu.h"
#include "compute/kernels/matmul_private.h"
#include "compute/kernels/range.h"

struct dispatch matmul_columns_dispatch(const char *kernel, const struct matmul_columns *params,
                                        const struct tile_range *tiles)
{
    const struct row_range *rows = &params->rows;
    int64_t vectors = params->left.depth * round_up_count(params->columns, 4) / 4;
    double share = (double)tiles->vector_count / (double)vectors;
    double sums = (double)matmul_products(params->batch_count) * params->left.useful_depth * (double)params->columns;
    struct dispatch dispatch = {
        .kernel = kernel,
        .bindings = {params->left.tensor, params->right, params->output,
                     params->sums != NULL ? *params->sums : params->output}, /* something must be bound */
        .binding_count = 4,
        .constants = {params->left.kind, matmul_is_whole(&params->left), params->layout == RIGHT_PANELS},
        .flops = 2.0 * share * sums * (double)rows->shards * (double)rows->shard_rows};
    if (tiles->vector_count < vectors) {
        dispatch.bindings[2] =
            binding_part(params->output, tiles->first_vector * VECTOR_SIZE, tiles->vector_count * VECTOR_SIZE);
    }
    return dispatch;
}

/* Shards that one turn of the kernel's loop takes; 0: a shard takes several turns. */
static uint32_t turn_shards(const struct row_range *rows)
{
    for (uint32_t shards = 4; shards > 0; shards /= 2) {
        if (rows->shard_rows <= MATMUL_STEP / shards && rows->shards % (int)shards == 0) {
            return shards;
        }
    }
    return 0;
}

static enum status add_columns(struct tape *tape, const struct matmul_columns *params, const struct tile_range *tiles,
                               const struct matmul_tile *tile)
{
    const struct row_range *rows = &params->rows;
    int64_t line = tile->rows * (int64_t)sizeof(float); /* of a row of the left operand, in a tile */
    struct matmul_columns_push push = {
        .left = params->left.gather,
        .order = matmul_order(tape, tiles->depth_count, tiles->column_count, rows->shards * rows->shard_rows * line),
        .first_depth_tile = (uint)tiles->first_depth,
        .first_column_tile = (uint)tiles->first_column,
        .first_vector = (uint)tiles->first_vector,
        .first_row = (uint)rows->first_row,
        .shards = (uint)rows->shards,
        .shard_rows = (uint)rows->shard_rows,
        .columns = (uint)(round_up_count(params->columns, 4) / 4),
        .batch = params->batch};
    struct dispatch dispatch = matmul_columns_dispatch("matmul_columns", params, tiles);
    dispatch.constants[3] = params->packed;
    dispatch.constants[4] = tile->height;
    dispatch.constants[5] = turn_shards(rows);
    dispatch.constants[6] = tile->column_lanes;
    if (params->sums != NULL) {
        dispatch.constants[7] = 1 + (uint32_t)(params->left.depth / 4 % (tile->height / 4));
    }
    dispatch.constants[8] = rows->shards == 1 && dispatch.constants[5] == 0;
    dispatch.constant_count = 9;
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(tiles->depth_count * tiles->column_count));
    dispatch.groups[2] = (uint32_t)matmul_products(params->batch_count);
    return tape_dispatch(tape, &dispatch);
}

bool matmul_columns_fits(const struct tape *tape, const struct row_range *rows)
{
    enum { TREE = 3, HEIGHT = 32 }; /* loops around those over a shard; the highest tile */
    int64_t loops = tape->device_class == CLASS_CPU ? MATMUL_TURN_LOOPS(HEIGHT) : 1;
    int64_t turns = divide_up_count(rows->shard_rows, MATMUL_STEP);
    return rows->shards * (turns * loops + TREE) <= DISPATCH_MAX_TURNS;
}

bool matmul_sums_fit(const struct tape *tape, const struct matmul_gradient *params)
{
    int64_t tile_rows = tape->device_class == CLASS_CPU ? 32 : MATMUL_GPU_TILE_ROWS; /* or a multiple, most often */
    struct row_range most = {.shards = PIECE_MAX_SHARDS, .shard_rows = params->shard_rows};
    int64_t size = params->left.depth * round_up_count(params->columns, 4) * (int64_t)sizeof(float);
    return params->left.depth % tile_rows != 0 && matmul_columns_fits(tape, &most) && size <= DISPATCH_MAX_STORAGE;
}

enum status matmul_columns(struct tape *tape, const struct matmul_columns *params)
{
    assert(matmul_columns_fits(tape, &params->rows));
    bool is_cpu = tape->device_class == CLASS_CPU;
    struct matmul_tile tile = matmul_tile(tape, matmul_columns_rows(params), params->columns, params->left.kind);
    int64_t tile_rows = is_cpu ? tile.rows : MATMUL_GPU_TILE_ROWS;
    int64_t tile_columns = is_cpu ? tile.columns : MATMUL_GPU_TILE_COLUMNS;
    /* As many dispatches as the limit of storage buffers asks for. */
    int64_t depth = params->left.depth;
    int64_t columns = round_up_count(params->columns, 4);
    int64_t limit = DISPATCH_MAX_STORAGE / (int64_t)sizeof(float);
    int64_t panel = params->layout == RIGHT_PANELS ? MATMUL_PANEL : columns;
    int64_t panels = limit / (depth * panel);
    int64_t step = (panels > 0 ? panels : 1) * panel;
    /* A panel that is too large is cut between tiles, 256 bytes or a multiple from each other. */
    int64_t depth_step = panels > 0 ? depth : limit / panel / tile_rows * tile_rows;
    for (int64_t n = 0; n < columns; n += step) {
        int64_t width = columns - n < step ? columns - n : step;
        for (int64_t k = 0; k < depth; k += depth_step) {
            int64_t height = depth - k < depth_step ? depth - k : depth_step;
            assert(params->sums == NULL || (height == depth && width == columns));
            struct tile_range tiles = {.first_depth = k / tile_rows,
                                       .depth_count =
                                           divide_up_count(height + matmul_columns_rows(params) - depth, tile_rows),
                                       .first_column = n / tile_columns,
                                       .column_count = divide_up_count(width, tile_columns),
                                       .first_vector = (n * depth + k * width) / 4,
                                       .vector_count = width * height / 4};
            TRY(is_cpu ? add_columns(tape, params, &tiles, &tile) : matmul_gpu_columns(tape, params, &tiles));
        }
    }
    return STATUS_OK;
}
