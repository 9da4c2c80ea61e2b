/* Push constants of the matmul_*.comp kernels and of convolution by groups. Shared by C and GLSL. */
#ifndef SHADERS_MATMUL_H
#define SHADERS_MATMUL_H

#include "lib/range.h"

/*
 * Panels: how weights [K][N] lie in memory. 64 columns side by side, all K rows of them, then the next 64; the last
 * panel is as wide as what is left of N rounded up to 4. A matrix that lies row by row is one panel of all columns.
 */
#define MATMUL_PANEL 64 /* columns */
/* Of the right operand [K][N]: row by row; panels; panels of the transpose [N rounded up to 4][K]. */
#define RIGHT_ROWS 0
#define RIGHT_PANELS 1
#define RIGHT_TRANSPOSED 2
#define MATMUL_STEP 16 /* products that one turn of a loop adds to every element of a tile */

/* How the left operand's rows are found in a tensor [sample][y][x][channel]; see lib/gather.glsl. */
#define GATHER_ROWS 0    /* the rows of a matrix: kernel 1 x 1, stride 1 */
#define GATHER_WINDOWS 1 /* windows of an image, as a convolution reads it */
#define GATHER_SINGLE 2  /* the same of an image of one channel: four kernel positions are a vector */

/* Pairs: two numbers of 16 bits with sign, height and width (matmul_pair). */
struct gather {
    divisor made_width, made_height; /* rows are made for these positions */
    uint read_height, read_width;
    uint channels;                          /* vectors a position */
    uint kernel, stride, padding, dilation; /* pairs; padding above and left */
};

#ifndef VULKAN
typedef struct gather gather;

static inline uint matmul_pair(const int64_t numbers[2])
{
    return (uint)numbers[0] << 16 | ((uint)numbers[1] & 0xffff);
}
#endif

/*
 * Several products in one dispatch, numbered by the grid's z: vectors from one's operands to the next one's. Of
 * operands that are packed by tile (matmul_columns.comp), from one tile's to the next one's.
 */
struct matmul_batch {
    uint left, right, result;
};

/*
 * In which order workgroups take tiles, so that operands are found in the cache: blocks of `rows` row tiles, in a block
 * column by column, in a column row by row.
 */
struct tile_order {
    divisor block; /* tiles a block */
    uint rows;     /* row tiles a block; the last block may have fewer */
    uint row_tiles;
};

/* Where results go that belong to every stride-th position of an image: pairs, but for first_sample. */
struct scatter {
    uint size, stride;
    uint first;        /* position */
    uint first_sample; /* the output is bound from it on */
};

#ifndef VULKAN
typedef struct matmul_batch matmul_batch;
typedef struct tile_order tile_order;
typedef struct scatter scatter;
#endif

#ifdef VULKAN
matmul_batch matmul_batch_of(scatter places, bool scatters)
{
    return scatters ? matmul_batch(0, 0, 0) : matmul_batch(places.size, places.stride, places.first);
}
#else
static inline scatter matmul_places_of(matmul_batch batch)
{
    return (scatter){.size = batch.left, .stride = batch.right, .first = batch.result};
}
#endif

struct matmul_rows_push {
    gather left;
    tile_order order;
    scatter places; /* with SCATTER; else what matmul_places_of() made of a batch: there is no room for both */
    uint first_row; /* the first that this dispatch makes; the output is bound from it on */
    uint end_row;
    uint depth;   /* K in vectors */
    uint columns; /* N */
};

/* Tiles of k are the rows of the order. */
struct matmul_columns_push {
    gather left;
    tile_order order;
    uint first_depth_tile, first_column_tile; /* of what this dispatch makes */
    uint first_vector;                        /* of the output, at which its bound part begins */
    uint first_row;
    uint shards; /* at most 8 */
    uint shard_rows;
    uint columns; /* vectors a row of the right operand */
    matmul_batch batch;
};

#define MATMUL_PACK_TURNS 8 /* vectors an invocation moves */

struct matmul_pack_push {
    range part;
    divisor width; /* of a panel, in vectors */
    divisor rows;
    uint columns; /* vectors a row of the source */
};

/* Matrix (i, j) of the result, numbered i * width + j, is the transpose of `first - i * row_step - j * column_step`. */
struct matmul_transpose_push {
    uint blocks;         /* of 4 x 4, counted by squares of 4 x 4 */
    divisor row_squares; /* of one matrix of the source */
    divisor column_squares;
    uint matrix_rows; /* of one matrix of the source */
    uint columns;     /* in vectors */
    uint source_rows; /* of all its matrices, as its panels lie */
    uint count;
    divisor width;
    uint first, row_step, column_step;
};

#endif
