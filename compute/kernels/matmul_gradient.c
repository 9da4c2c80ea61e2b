#include <string.h>

#include "base/memory.h"
#include "compute/kernels/matmul_gpu.h"
#include "compute/kernels/matmul_private.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"
#include "compute/kernels/weights.h"

/*
 * Rows of a shard that are summed at once; a shard with more is cut into such parts, added as a tree. Of more than
 * eight parts, eights are cut so first.
 */
enum { PART_ROWS = 1 << 16 };

/* Sums of rows of the gradient's operands, to be added as a tree: by shard, or by part of a shard. */
static enum status sum_range(struct tape *tape, const struct matmul_gradient *params, struct row_range rows,
                             struct binding output, const struct binding *sums);

/* The tree sum over equal ranges of rows, the last of which may be short: each into scratch first. */
static enum status sum_tree(struct tape *tape, const struct matmul_gradient *params, struct row_range rows,
                            int64_t step, struct binding output)
{
    int64_t total = rows.shards * rows.shard_rows;
    int64_t count = (int64_t)(output.size / sizeof(float));
    int64_t stride = round_up_count(count, PARAMETER_ALIGNMENT);
    int64_t parts = divide_up_count(total, step);
    int64_t size = stride * (int64_t)sizeof(float);
    int scratch;
    TRY(tape_scratch(tape, "sums of parts", (uint64_t)(parts * size), &scratch));
    for (int64_t i = 0; i < parts; i++) {
        int64_t left = total - i * step;
        struct row_range part = {
            .first_row = rows.first_row + i * step, .shards = 1, .shard_rows = left < step ? left : step};
        TRY(sum_range(tape, params, part,
                      binding_part(tape_bind(tape, scratch, ACCESS_WRITE), i * size, count * (int64_t)sizeof(float)),
                      NULL));
    }
    struct tree_sum tree = {.values = tape_bind(tape, scratch, ACCESS_READ),
                            .shards = (int)parts,
                            .stride = stride,
                            .count = count,
                            .sum = output};
    return reduce_tree(tape, &tree);
}

static enum status sum_range(struct tape *tape, const struct matmul_gradient *params, struct row_range rows,
                             struct binding output, const struct binding *sums)
{
    if (rows.shards > 1 && !matmul_columns_fits(tape, &rows)) {
        return sum_tree(tape, params, rows, rows.shard_rows, output);
    }
    if (rows.shard_rows > PART_ROWS) {
        int64_t step = PART_ROWS;
        while (divide_up_count(rows.shard_rows, step) > PIECE_MAX_SHARDS) {
            step *= PIECE_MAX_SHARDS;
        }
        return sum_tree(tape, params, rows, step, output);
    }
    struct matmul_tile tile = matmul_tile(tape, params->left.depth, params->columns, params->left.kind);
    struct matmul_columns product = {.left = params->left,
                                     .right = params->right,
                                     .columns = params->columns,
                                     .rows = rows,
                                     .output = output,
                                     .layout = RIGHT_PANELS,
                                     .sums = sums,
                                     .packed = params->packed_rows > 0,
                                     .batch = {.left = (uint)(params->packed_rows * tile.rows / 4),
                                               .right = (uint)(params->packed_rows * tile.columns / 4)}};
    return matmul_columns(tape, &product);
}

/* A matrix of `rows` x `columns` floats cut into panels. */
static enum status pack(struct tape *tape, struct binding matrix, int64_t rows, int64_t columns, int64_t width,
                        struct binding *packed)
{
    int64_t vectors = divide_up_count(columns, width) * rows * (width / 4);
    int scratch;
    TRY(tape_scratch(tape, "packed operand", (uint64_t)(vectors * VECTOR_SIZE), &scratch));
    *packed = tape_bind(tape, scratch, ACCESS_READ);
    struct matmul_pack_push push = {
        .width = divisor_of(width / 4), .rows = divisor_of(rows), .columns = (uint)(columns / 4)};
    struct dispatch dispatch = {
        .kernel = "matmul_pack", .bindings = {matrix, tape_bind(tape, scratch, ACCESS_WRITE)}, .binding_count = 2};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, (uint64_t)vectors, MATMUL_PACK_TURNS, sizes);
}

/*
 * Tiles read a piece of every row. Where rows are long and many, those pieces are far apart, and packing both operands
 * costs less than waiting for memory.
 */
static bool pack_pays(const struct tape *tape, const struct matmul_gradient *params, int64_t rows)
{
    enum { LONG_ROW = 256 };
    int64_t columns = round_up_count(params->columns, 4);
    return params->left.kind == GATHER_ROWS &&
           params->left.depth % matmul_tile(tape, params->left.depth, params->columns, params->left.kind).rows == 0 &&
           params->left.depth >= LONG_ROW && columns >= LONG_ROW &&
           rows * (params->left.depth + columns) * (int64_t)sizeof(float) > 2 * tape->tuning->cache_size;
}

static enum status pack_operands(struct tape *tape, struct matmul_gradient *params, int64_t rows)
{
    struct matmul_left *left = &params->left;
    struct matmul_tile tile = matmul_tile(tape, left->depth, params->columns, left->kind);
    int64_t tiles = left->depth / tile.rows;
    const int64_t kernel[2] = {tiles, 1};
    TRY(pack(tape, left->tensor, rows, left->depth, tile.rows, &left->tensor));
    TRY(pack(tape, params->right, rows, round_up_count(params->columns, 4), tile.columns, &params->right));
    /* A row of a panel holds a tile's k: as many channels, at as many kernel positions as there are tiles. */
    left->gather.channels = (uint)tile.rows / 4;
    left->gather.kernel = matmul_pair(kernel);
    return STATUS_OK;
}

enum status matmul_gradient(struct tape *tape, const struct matmul_gradient *params, const struct layer *layer,
                            int weight, int bias)
{
    int64_t all_rows = params->shard_rows * tape->geometry.shard_count;
    bool is_cpu = tape->device_class == CLASS_CPU;
    bool splits = !is_cpu && matmul_gpu_splits(params);
    bool sums = bias >= 0 && matmul_sums_fit(tape, params);
    struct matmul_gradient used = *params;
    used.packed_rows = 0;
    if (is_cpu && !sums && pack_pays(tape, params, all_rows)) {
        TRY(pack_operands(tape, &used, all_rows));
        used.packed_rows = all_rows;
    }
    for (int i = 0; i < tape->geometry.piece_count; i++) {
        struct piece piece = tape->geometry.pieces[i];
        struct binding output = tape_parameter_gradient(tape, layer, weight, i);
        struct binding row_sums = sums ? tape_parameter_gradient(tape, layer, bias, i) : (struct binding){0};
        struct row_range rows = {.first_row = (piece.first - tape->geometry.first_shard) * params->shard_rows,
                                 .shards = piece.count,
                                 .shard_rows = params->shard_rows};
        TRY(splits ? matmul_gpu_split(tape, params, &rows, output, sums ? &row_sums : NULL)
                   : sum_range(tape, &used, rows, output, sums ? &row_sums : NULL));
    }
    return bias < 0 || sums ? STATUS_OK : weights_bias_gradient(layer, tape, bias);
}
