/*
 * How kernels are cut, where only speed depends on it: sizes of tiles and of what should stay in a cache. A tape is
 * lowered with one struct tuning; no value of it changes the order of any sum, so that results are the same bits
 * whatever is chosen (which algorithm a layer takes, and into how many parts a sum is cut, follows from shapes alone).
 * The defaults are good on the machines that they were measured on; `lemnos bench --tune` measures them on another one.
 */
#ifndef COMPUTE_GRAPH_TUNING_H
#define COMPUTE_GRAPH_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "compute/graph/device_class.h"

/* Sizes of a product's tile on GPUs: what lib/tile_gpu.glsl and lib/tile_matrix.glsl are specialised to. */
struct gpu_tile {
    uint32_t rows, columns;
    uint32_t sum_vectors; /* of columns, that an invocation sums in a row: 1 or 2; not with cooperative matrices */
};

/* By number: tuning.common_tile and the like. */
enum gpu_tile_shape {
    GPU_TILE_64X64,   /* 4 x 4 sums an invocation (not with cooperative matrices) */
    GPU_TILE_128X128, /* 8 x 8 */
    GPU_TILE_128X32,  /* 4 x 4 */
    GPU_TILE_128X64,  /* 8 x 4 */
    GPU_TILE_SHAPE_COUNT
};
extern const struct gpu_tile gpu_tiles[GPU_TILE_SHAPE_COUNT];

/* Numbers alone, as tuning_fields lists them: a field's place in the table is its place here. */
struct tuning {
    /* Class cpu. */
    int64_t cache_size;   /* bytes of one operand of a product that stay in a core's cache while the other passes by */
    int64_t col2im_chunk; /* bytes of rows that a convolution's gradient makes at once (col2im.h) */
    /* Class gpu: enum gpu_tile_shape. Whether a product counts as large or narrow follows from its shape. */
    int64_t common_tile;
    int64_t large_tile;
    int64_t narrow_tile;
    /* Both. */
    int64_t winograd_chunk; /* bytes of tiles that Winograd's algorithm works on at once */
};

enum { TUNING_FIELD_COUNT = 6, TUNING_MAX_CANDIDATES = 8 };
_Static_assert(sizeof(struct tuning) == TUNING_FIELD_COUNT * sizeof(int64_t), "the table has a row for every field");

struct tuning_field {
    const char *name; /* as in the file */
    const char *unit; /* "bytes", "tile" */
    bool classes[CLASS_COUNT];
    /* All ranks take rank 0's: fma() is one rounding or two as a driver likes, pipeline by pipeline. */
    bool is_shared;
    int64_t candidates[TUNING_MAX_CANDIDATES]; /* all values that the field may have */
    int candidate_count;
};
extern const struct tuning_field tuning_fields[TUNING_FIELD_COUNT];

/* What a device of that class takes where nothing was measured. */
const struct tuning *tuning_default(enum device_class device_class);
int64_t tuning_get(const struct tuning *tuning, int field);
void tuning_set(struct tuning *tuning, int field, int64_t value);
bool tuning_is_candidate(int field, int64_t value);
/* "512 KiB", "128 x 64". */
void tuning_format(int field, int64_t value, char text[32]);

#endif
