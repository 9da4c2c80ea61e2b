#include "compute/kernels/matmul.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/matmul_gpu.h"
#include "compute/kernels/range.h"
#include "compute/kernels/reduce.h"

/* Rows of a shard that are summed at once; a shard with more is cut into such parts, added as a tree. */
enum { PART_ROWS = 1 << 19 };
_Static_assert(PART_ROWS / MATMUL_STEP <= DISPATCH_MAX_TURNS, "a part must fit into one loop");

int64_t panels_elements(int64_t depth, int64_t columns)
{
    return depth * round_up_count(columns, 4);
}

int64_t panels_place(int64_t depth, int64_t columns, int64_t k, int64_t n)
{
    int64_t first = n / MATMUL_PANEL * MATMUL_PANEL;
    int64_t left = round_up_count(columns, 4) - first;
    int64_t width = left < MATMUL_PANEL ? left : MATMUL_PANEL;
    return first * depth + k * width + n - first;
}

struct matmul_left matmul_left_rows(struct binding rows, int64_t stride)
{
    assert(stride % 4 == 0);
    static const int64_t one[2] = {1, 1};
    return (struct matmul_left){.tensor = rows,
                                .kind = GATHER_ROWS,
                                .gather = {.made_width = divisor_of(1),
                                           .made_height = divisor_of(1),
                                           .channels = (uint)(stride / 4),
                                           .kernel = matmul_pair(one),
                                           .stride = matmul_pair(one),
                                           .dilation = matmul_pair(one)},
                                .depth = stride,
                                .useful_depth = (double)stride};
}

static bool is_pointwise(const struct window *window)
{
    for (int axis = 0; axis < 2; axis++) {
        if (window->kernel[axis] != 1 || window->stride[axis] != 1 || window->padding[axis] != 0) {
            return false;
        }
    }
    return true;
}

struct matmul_left matmul_left_windows(struct binding image, const struct window *window, struct shape made,
                                       struct shape read)
{
    int64_t positions = window->kernel[0] * window->kernel[1];
    double useful_depth = (double)(positions * shape_channels(read));
    if (is_pointwise(window) && shape_height(made) == shape_height(read) && shape_width(made) == shape_width(read)) {
        struct matmul_left left = matmul_left_rows(image, shape_stride(read));
        left.gather.made_width = divisor_of(shape_width(made)); /* for matmul_scatter */
        left.gather.made_height = divisor_of(shape_height(made));
        left.useful_depth = useful_depth;
        return left;
    }
    return (struct matmul_left){.tensor = image,
                                .kind = GATHER_WINDOWS,
                                .gather = {.made_width = divisor_of(shape_width(made)),
                                           .made_height = divisor_of(shape_height(made)),
                                           .read_height = (uint)shape_height(read),
                                           .read_width = (uint)shape_width(read),
                                           .channels = (uint)(shape_stride(read) / 4),
                                           .kernel = matmul_pair(window->kernel),
                                           .stride = matmul_pair(window->stride),
                                           .padding = matmul_pair(window->padding),
                                           .dilation = matmul_pair(window->dilation)},
                                .depth = positions * shape_stride(read),
                                .useful_depth = useful_depth};
}

struct matmul_left matmul_left_single(struct binding image, const struct window *window, struct shape made,
                                      struct shape read)
{
    struct matmul_left left = matmul_left_windows(image, window, made, read);
    left.kind = left.kind == GATHER_WINDOWS ? GATHER_SINGLE : left.kind;
    left.depth = round_up_count(window->kernel[0] * window->kernel[1], 4);
    return left;
}

/* Rows of the tiles that `count` rows are cut into: tall tiles are a tenth faster, unless they are filled up for it. */
static int64_t tile_height(const struct tape *tape, int64_t count)
{
    int64_t waste = tape->tuning->tall_waste;
    int64_t low = round_up_count(count, MATMUL_TILE_ROWS);
    int64_t tall = round_up_count(count, MATMUL_TALL_TILE_ROWS);
    return waste >= 0 && 100 * tall <= (100 + waste) * low ? MATMUL_TALL_TILE_ROWS : MATMUL_TILE_ROWS;
}

/* Whether the shaders may take four vectors of channels at once. */
static bool is_whole(const struct matmul_left *left)
{
    return left->gather.channels % 4 == 0;
}

static enum status check_depth(int64_t depth)
{
    if (divide_up_count(depth, MATMUL_STEP) > DISPATCH_MAX_TURNS) {
        return fail(
            STATUS_BAD_INPUT,
            "a sum of %lld products (inputs of one output); at most %d are possible: set the features or channels of "
            "the layer above it lower",
            (long long)depth, DISPATCH_MAX_TURNS * MATMUL_STEP);
    }
    return STATUS_OK;
}

/* Blocks as high as the cache holds what their row tiles read, `size` bytes each. */
static tile_order make_order(const struct tape *tape, int64_t row_tiles, int64_t column_tiles, int64_t size)
{
    int64_t rows = tape->tuning->cache_size / size;
    rows = rows < 1 ? 1 : rows < row_tiles ? rows : row_tiles;
    return (tile_order){.block = divisor_of(rows * column_tiles), .rows = (uint)rows, .row_tiles = (uint)row_tiles};
}

static void set_batch(struct dispatch *dispatch, int64_t count)
{
    if (count > 1) {
        assert(count <= DISPATCH_MAX_GROUPS);
        dispatch->groups[2] = (uint32_t)count;
        dispatch->flops *= (double)count;
    }
}

/* Rows, and bytes of the output, from one place to the next at which a dispatch's part of it may begin. */
struct unit {
    int64_t rows, size;
};

static struct unit make_unit(const struct matmul_rows *params)
{
    if (params->scatter == NULL) {
        int64_t row_size = round_up_count(params->columns, 4) * (int64_t)sizeof(float);
        return (struct unit){.rows = MATMUL_TALL_TILE_ROWS, .size = MATMUL_TALL_TILE_ROWS * row_size};
    }
    const struct gather *from = &params->left.gather;
    int64_t image_size = shape_elements(params->scatter->image, DTYPE_FLOAT32) * (int64_t)sizeof(float);
    int64_t images = range_aligned(image_size);
    return (struct unit){.rows = images * from->made_width.value * from->made_height.value,
                         .size = images * image_size};
}

static scatter make_places(const struct matmul_rows *params, int64_t first_row)
{
    const struct matmul_scatter *to = params->scatter;
    const struct gather *from = &params->left.gather;
    const int64_t size[2] = {shape_height(to->image), shape_width(to->image)};
    return (scatter){.size = matmul_pair(size),
                     .stride = matmul_pair(to->stride),
                     .first = matmul_pair(to->first),
                     .first_sample = (uint)first_row / (from->made_width.value * from->made_height.value)};
}

static enum status add_cpu_rows(struct tape *tape, const struct matmul_rows *params,
                                const struct matmul_rows_part *part)
{
    int64_t depth = params->left.depth;
    int64_t right_size = depth * round_up_count(params->columns, 4) * (int64_t)sizeof(float);
    int64_t height = tile_height(tape, part->rows);
    int64_t row_tiles = divide_up_count(part->rows, height);
    int64_t column_tiles = divide_up_count(params->columns, MATMUL_TILE_COLUMNS);
    /* A small right operand stays in the cache itself: then row by row, so that rows are written one after another. */
    int64_t cache_size = tape->tuning->cache_size;
    int64_t tile_size = right_size <= 2 * cache_size ? cache_size : depth * height * (int64_t)sizeof(float);
    struct matmul_rows_push push = {.left = params->left.gather,
                                    .order = make_order(tape, row_tiles, column_tiles, tile_size),
                                    .places = part->places,
                                    .first_row = (uint)part->first,
                                    .end_row = (uint)(part->first + part->rows),
                                    .depth = (uint)(depth / 4),
                                    .columns = (uint)params->columns,
                                    .batch = params->batch};
    struct dispatch dispatch = {.kernel = "matmul_rows",
                                .bindings = {params->left.tensor, params->right,
                                             params->bias != NULL ? *params->bias : params->right, part->output},
                                .binding_count = 4,
                                .constants = {params->left.kind, is_whole(&params->left), params->bias != NULL,
                                              params->layout, params->scatter != NULL, (uint32_t)height},
                                .flops =
                                    2.0 * (double)part->rows * params->left.useful_depth * (double)params->columns};
    epilogue_add(&dispatch, 6, params->epilogue);
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(row_tiles * column_tiles));
    set_batch(&dispatch, params->batch_count);
    return tape_dispatch(tape, &dispatch);
}

static enum status add_rows(struct tape *tape, const struct matmul_rows *params, int64_t first, int64_t rows,
                            struct binding output)
{
    struct matmul_rows_part part = {.first = first, .rows = rows, .output = output};
    if (params->scatter != NULL) {
        part.places = make_places(params, first);
    }
    return tape->device_class == CLASS_CPU ? add_cpu_rows(tape, params, &part) : matmul_gpu_rows(tape, params, &part);
}

/*
 * A right operand that lies transposed is read as it is for so many rows, and for more is transposed first: its vectors
 * lie apart in memory, and are read once for every 32 rows.
 */
enum { TRANSPOSED_ROWS = 512 };

/* With the right operand in panels of its own. */
static enum status transpose_right(struct tape *tape, struct matmul_rows params)
{
    int64_t columns = round_up_count(params.columns, 4);
    int transposed;
    TRY(tape_scratch(tape, "transposed weights", (uint64_t)panels_elements(params.left.depth, columns) * sizeof(float),
                     &transposed));
    struct matmul_transpose transpose = {.source = params.right,
                                         .layout = RIGHT_PANELS,
                                         .source_rows = columns,
                                         .rows = columns,
                                         .columns = params.left.depth,
                                         .size = {1, 1},
                                         .output = tape_bind(tape, transposed, ACCESS_WRITE)};
    TRY(matmul_transpose(tape, &transpose));
    params.right = tape_bind(tape, transposed, ACCESS_READ);
    params.layout = RIGHT_PANELS;
    return matmul_rows(tape, &params);
}

enum status matmul_rows(struct tape *tape, const struct matmul_rows *params)
{
    if (params->layout == RIGHT_TRANSPOSED && (tape->device_class != CLASS_CPU || params->rows > TRANSPOSED_ROWS)) {
        return transpose_right(tape, *params);
    }
    struct unit unit = make_unit(params);
    int64_t units = DISPATCH_MAX_STORAGE / unit.size;
    TRY(check_depth(params->left.depth));
    if (units == 0) {
        return fail(STATUS_BAD_INPUT, "outputs of %lld MiB at once; at most %d are possible: set its features lower",
                    (long long)(unit.size >> 20), DISPATCH_MAX_STORAGE >> 20);
    }
    if (params->rows <= units * unit.rows) {
        return add_rows(tape, params, params->first_row, params->rows, params->output);
    }
    for (int64_t i = 0; i * unit.rows < params->rows; i += units) {
        int64_t left = params->rows - i * unit.rows;
        int64_t rows = left < units * unit.rows ? left : units * unit.rows;
        struct binding output = binding_part(params->output, i * unit.size, rows * unit.size / unit.rows);
        TRY(add_rows(tape, params, params->first_row + i * unit.rows, rows, output));
    }
    return STATUS_OK;
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
                               int64_t height)
{
    const struct row_range *rows = &params->rows;
    int64_t vectors = params->left.depth * round_up_count(params->columns, 4) / 4;
    int64_t line = height * (int64_t)sizeof(float); /* of a row of the left operand, in a tile */
    struct matmul_columns_push push = {
        .left = params->left.gather,
        .order = make_order(tape, tiles->depth_count, tiles->column_count, rows->shards * rows->shard_rows * line),
        .first_depth_tile = (uint)tiles->first_depth,
        .first_column_tile = (uint)tiles->first_column,
        .first_vector = (uint)tiles->first_vector,
        .first_row = (uint)rows->first_row,
        .shards = (uint)rows->shards,
        .shard_rows = (uint)rows->shard_rows,
        .columns = (uint)(round_up_count(params->columns, 4) / 4),
        .batch = params->batch};
    double share = (double)tiles->vector_count / (double)vectors;
    struct dispatch dispatch = {.kernel = "matmul_columns",
                                .bindings = {params->left.tensor, params->right, params->output},
                                .binding_count = 3,
                                .constants = {params->left.kind, is_whole(&params->left),
                                              params->layout == RIGHT_PANELS, params->packed, (uint32_t)height,
                                              turn_shards(rows)},
                                .constant_count = 6,
                                .flops = 2.0 * share * (double)rows->shards * (double)rows->shard_rows *
                                         params->left.useful_depth * (double)params->columns};
    if (tiles->vector_count < vectors) {
        dispatch.bindings[2] =
            binding_part(params->output, tiles->first_vector * VECTOR_SIZE, tiles->vector_count * VECTOR_SIZE);
    }
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(tiles->depth_count * tiles->column_count));
    set_batch(&dispatch, params->batch_count);
    return tape_dispatch(tape, &dispatch);
}

bool matmul_columns_fits(const struct row_range *rows)
{
    return rows->shards * (divide_up_count(rows->shard_rows, MATMUL_STEP) + 2) <= DISPATCH_MAX_TURNS;
}

enum status matmul_columns(struct tape *tape, const struct matmul_columns *params)
{
    assert(matmul_columns_fits(&params->rows));
    bool is_cpu = tape->device_class == CLASS_CPU;
    int64_t tile_rows = is_cpu ? tile_height(tape, params->left.depth) : MATMUL_GPU_TILE_ROWS;
    int64_t tile_columns = is_cpu ? MATMUL_TILE_COLUMNS : MATMUL_GPU_TILE_COLUMNS;
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
            struct tile_range tiles = {.first_depth = k / tile_rows,
                                       .depth_count = divide_up_count(height, tile_rows),
                                       .first_column = n / tile_columns,
                                       .column_count = divide_up_count(width, tile_columns),
                                       .first_vector = (n * depth + k * width) / 4,
                                       .vector_count = width * height / 4};
            TRY(is_cpu ? add_columns(tape, params, &tiles, tile_rows) : matmul_gpu_columns(tape, params, &tiles));
        }
    }
    return STATUS_OK;
}

/* Sums of rows of the gradient's operands, to be added as a tree: by shard, or by part of a shard. */
static enum status sum_range(struct tape *tape, const struct matmul_gradient *params, struct row_range rows,
                             struct binding output);

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
    if (parts > PIECE_MAX_SHARDS) {
        return fail(STATUS_BAD_INPUT, "a shard of %lld positions; at most %d are possible: set run.shards higher",
                    (long long)total, PIECE_MAX_SHARDS * PART_ROWS);
    }
    TRY(tape_scratch(tape, "sums of parts", (uint64_t)(parts * size), &scratch));
    for (int64_t i = 0; i < parts; i++) {
        int64_t left = total - i * step;
        struct row_range part = {
            .first_row = rows.first_row + i * step, .shards = 1, .shard_rows = left < step ? left : step};
        TRY(sum_range(tape, params, part,
                      binding_part(tape_bind(tape, scratch, ACCESS_WRITE), i * size, count * (int64_t)sizeof(float))));
    }
    struct tree_sum tree = {.values = tape_bind(tape, scratch, ACCESS_READ),
                            .shards = (int)parts,
                            .stride = stride,
                            .count = count,
                            .sum = output};
    return reduce_tree(tape, &tree);
}

static enum status sum_range(struct tape *tape, const struct matmul_gradient *params, struct row_range rows,
                             struct binding output)
{
    if (rows.shards > 1 && !matmul_columns_fits(&rows)) {
        return sum_tree(tape, params, rows, rows.shard_rows, output);
    }
    if (rows.shard_rows > PART_ROWS) {
        return sum_tree(tape, params, rows, PART_ROWS, output);
    }
    struct matmul_columns product = {
        .left = params->left,
        .right = params->right,
        .columns = params->columns,
        .rows = rows,
        .output = output,
        .layout = RIGHT_PANELS,
        .packed = params->packed_rows > 0,
        .batch = {.left = (uint)(params->packed_rows * tile_height(tape, params->left.depth) / 4),
                  .right = (uint)(params->packed_rows * MATMUL_TILE_COLUMNS / 4)}};
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
    return range_dispatch(tape, &dispatch, (uint64_t)vectors, 1, sizes);
}

/*
 * Tiles read a piece of every row. Where rows are long and many, those pieces are far apart, and packing both operands
 * costs less than waiting for memory.
 */
static bool pack_pays(const struct tape *tape, const struct matmul_gradient *params, int64_t rows)
{
    enum { LONG_ROW = 256 };
    int64_t columns = round_up_count(params->columns, 4);
    return params->left.kind == GATHER_ROWS && params->left.depth % tile_height(tape, params->left.depth) == 0 &&
           params->left.depth >= LONG_ROW && columns >= LONG_ROW &&
           rows * (params->left.depth + columns) * (int64_t)sizeof(float) > 2 * tape->tuning->cache_size;
}

static enum status pack_operands(struct tape *tape, struct matmul_gradient *params, int64_t rows)
{
    struct matmul_left *left = &params->left;
    int64_t height = tile_height(tape, left->depth);
    int64_t tiles = left->depth / height;
    const int64_t kernel[2] = {tiles, 1};
    TRY(pack(tape, left->tensor, rows, left->depth, height, &left->tensor));
    TRY(pack(tape, params->right, rows, round_up_count(params->columns, 4), MATMUL_TILE_COLUMNS, &params->right));
    /* A row of a panel holds a tile's k: as many channels, at as many kernel positions as there are tiles. */
    left->gather.channels = (uint)height / 4;
    left->gather.kernel = matmul_pair(kernel);
    return STATUS_OK;
}

enum status matmul_gradient(struct tape *tape, const struct matmul_gradient *params, const struct layer *layer,
                            int parameter)
{
    int64_t all_rows = params->shard_rows * tape->geometry.shard_count;
    bool is_cpu = tape->device_class == CLASS_CPU;
    bool splits = !is_cpu && matmul_gpu_splits(params);
    struct matmul_gradient used = *params;
    used.packed_rows = 0;
    if (is_cpu && pack_pays(tape, params, all_rows)) {
        TRY(pack_operands(tape, &used, all_rows));
        used.packed_rows = all_rows;
    }
    for (int i = 0; i < tape->geometry.piece_count; i++) {
        struct piece piece = tape->geometry.pieces[i];
        struct binding output = tape_parameter_gradient(tape, layer, parameter, i);
        struct row_range rows = {.first_row = (piece.first - tape->geometry.first_shard) * params->shard_rows,
                                 .shards = piece.count,
                                 .shard_rows = params->shard_rows};
        TRY(splits ? matmul_gpu_split(tape, params, &rows, output) : sum_range(tape, &used, rows, output));
    }
    return STATUS_OK;
}

enum status matmul_transpose(struct tape *tape, const struct matmul_transpose *params)
{
    int64_t count = params->size[0] * params->size[1];
    int64_t blocks = count * divide_up_count(params->rows, 4) * (params->columns / 4);
    if (params->output.size > DISPATCH_MAX_STORAGE) {
        return fail(STATUS_BAD_INPUT,
                    "weights of %lld x %lld x %lld; at most %d elements are possible: set its features lower",
                    (long long)count, (long long)params->rows, (long long)params->columns,
                    DISPATCH_MAX_STORAGE / (int)sizeof(float));
    }
    struct matmul_transpose_push push = {.blocks = (uint)blocks,
                                         .rows = divisor_of(divide_up_count(params->rows, 4)),
                                         .columns = divisor_of(params->columns / 4),
                                         .matrix_rows = (uint)params->rows,
                                         .source_rows = (uint)params->source_rows,
                                         .count = (uint)count,
                                         .width = divisor_of(params->size[1]),
                                         .first = (uint)params->first,
                                         .row_step = (uint)params->step[0],
                                         .column_step = (uint)params->step[1]};
    struct dispatch dispatch = {.kernel = "matmul_transpose",
                                .bindings = {params->source, params->output},
                                .binding_count = 2,
                                .constants = {params->layout == RIGHT_PANELS},
                                .constant_count = 1};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up((uint64_t)blocks, RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}
