#include "compute/kernels/matmul.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/matmul_gpu.h"
#include "compute/kernels/matmul_private.h"
#include "compute/kernels/range.h"

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

/* Vectors of the left operand that a turn loads; of images of one channel each is made from four texels. */
static uint32_t left_loads(const struct matmul_tile *tile, uint32_t kind)
{
    return 4 * tile->height / tile->column_lanes * (kind == GATHER_SINGLE ? 4 : 1);
}

/*
 * What a turn of a tile's loop costs: a row's multiply-adds, shuffles and blends for 16 products, and loads of both
 * operands, which are counted as if all lanes' addresses lay apart. In the processor's operations on vectors.
 */
static double turn_cost(const struct tape *tape, const struct matmul_tile *tile, uint32_t kind)
{
    enum { ROW = 90, LOAD_LANE = 5 };
    uint32_t left = left_loads(tile, kind);
    return (double)(tile->height * ROW + (left + MATMUL_STEP) * (uint32_t)tape->lanes * LOAD_LANE);
}

struct matmul_tile matmul_tile(const struct tape *tape, int64_t rows, int64_t columns, uint32_t kind)
{
    enum { MAX_LEFT_LOADS = 64 }; /* more take the driver a tenth of a second to translate, at every start */
    struct matmul_tile best = {0};
    double best_cost = INFINITY;
    for (uint32_t column_lanes = (uint32_t)tape->lanes; column_lanes >= 4; column_lanes /= 2) {
        for (uint32_t height = 32; height >= 16; height /= 2) {
            struct matmul_tile tile = {.rows = (int64_t)height * tape->lanes / column_lanes,
                                       .columns = column_lanes * 4,
                                       .height = height,
                                       .column_lanes = column_lanes};
            double count = (double)(divide_up_count(rows, tile.rows) * divide_up_count(columns, tile.columns));
            double cost = count * turn_cost(tape, &tile, kind);
            if (cost < best_cost && left_loads(&tile, kind) <= MAX_LEFT_LOADS) {
                best = tile;
                best_cost = cost;
            }
        }
    }
    return best;
}

tile_order matmul_order(const struct tape *tape, int64_t row_tiles, int64_t column_tiles, int64_t size)
{
    int64_t rows = tape->tuning->cache_size / size;
    rows = rows < 1 ? 1 : rows < row_tiles ? rows : row_tiles;
    return (tile_order){.block = divisor_of(rows * column_tiles), .rows = (uint)rows, .row_tiles = (uint)row_tiles};
}

/* Rows, and bytes of the output, from one place to the next at which a dispatch's part of it may begin. */
struct unit {
    int64_t rows, size;
};

static struct unit make_unit(const struct matmul_rows *params)
{
    enum { PART_ROWS = 32 }; /* of rows of 4 floats or more: 512 bytes */
    if (params->scatter == NULL) {
        int64_t row_size = round_up_count(params->columns, 4) * (int64_t)sizeof(float);
        return (struct unit){.rows = PART_ROWS, .size = PART_ROWS * row_size};
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

struct dispatch matmul_rows_dispatch(const char *kernel, const struct matmul_rows *params,
                                     const struct matmul_rows_part *part)
{
    double sums = (double)matmul_products(params->batch_count) * (double)part->rows * (double)params->columns;
    return (struct dispatch){.kernel = kernel,
                             .bindings = {params->left.tensor, params->right,
                                          params->bias != NULL ? *params->bias : params->right, part->output},
                             .binding_count = 4,
                             .constants = {params->left.kind, matmul_is_whole(&params->left), params->bias != NULL,
                                           params->layout, params->scatter != NULL},
                             .flops = 2.0 * sums * params->left.useful_depth};
}

static enum status add_cpu_rows(struct tape *tape, const struct matmul_rows *params,
                                const struct matmul_rows_part *part)
{
    int64_t depth = params->left.depth;
    int64_t right_size = depth * round_up_count(params->columns, 4) * (int64_t)sizeof(float);
    struct matmul_tile tile = matmul_tile(tape, part->rows, params->columns, params->left.kind);
    int64_t row_tiles = divide_up_count(part->rows, tile.rows);
    int64_t column_tiles = divide_up_count(params->columns, tile.columns);
    /* A small right operand stays in the cache itself: then row by row, so that rows are written one after another. */
    int64_t cache_size = tape->tuning->cache_size;
    int64_t tile_size = right_size <= 2 * cache_size ? cache_size : depth * tile.rows * (int64_t)sizeof(float);
    struct matmul_rows_push push = {.left = params->left.gather,
                                    .order = matmul_order(tape, row_tiles, column_tiles, tile_size),
                                    .places = params->scatter != NULL ? part->places : matmul_places_of(params->batch),
                                    .first_row = (uint)part->first,
                                    .end_row = (uint)(part->first + part->rows),
                                    .depth = (uint)(depth / 4),
                                    .columns = (uint)params->columns};
    struct dispatch dispatch = matmul_rows_dispatch("matmul_rows", params, part);
    dispatch.constants[5] = tile.height;
    dispatch.constants[6] = tile.column_lanes;
    epilogue_add(&dispatch, 7, params->epilogue);
    assert(dispatch.constant_count == 10);
    dispatch.constants[dispatch.constant_count++] =
        divide_up_count(depth, MATMUL_STEP) * MATMUL_TURN_LOOPS(tile.height) > DISPATCH_MAX_TURNS;
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(row_tiles * column_tiles));
    dispatch.groups[2] = (uint32_t)matmul_products(params->batch_count);
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
enum { TRANSPOSED_ROWS = 256 };

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

enum status matmul_rows(struct tape *tape, const struct matmul_rows *params)
{
    if (params->layout == RIGHT_TRANSPOSED && (tape->device_class != CLASS_CPU || params->rows > TRANSPOSED_ROWS)) {
        return transpose_right(tape, *params);
    }
    /* A residual lies as the output does. */
    assert(params->epilogue == NULL || !params->epilogue->adds ||
           (params->first_row == 0 && params->scatter == NULL && params->batch_count <= 1));
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
