/*
 * Push constants of the winograd_*.comp kernels: 3 x 3 convolutions with stride 1 by tiles of 4 x 4 outputs. Shared by
 * C and GLSL. The algorithm: lib/winograd.glsl.
 */
#ifndef SHADERS_WINOGRAD_H
#define SHADERS_WINOGRAD_H

#include "lib/range.h"
#include "matmul.h"

#define WINOGRAD_TILE 4      /* outputs, an axis */
#define WINOGRAD_PRODUCTS 36 /* a tile */
/* Inputs, and tiles of a shard, that winograd_weight_sums takes at once. */
#define WINOGRAD_SUMS_HEIGHT 8
#define WINOGRAD_SUMS_ROWS 4

/* Between an image and tiles [product][tile][channel vector], or as lib/winograd_tiles.glsl says. */
struct winograd_image_push {
    uint count;                         /* invocations: tiles times channel vectors, or all there is room for */
    divisor vectors;                    /* channel vectors */
    divisor tiles_width, tiles_height;  /* a sample */
    uint first_tile;                    /* counted over all samples: the tensor of tiles begins there */
    uint first_sample;                  /* the bound part of an image that is written begins there */
    uint height, width;                 /* of the image */
    uint padding_height, padding_width; /* above and left */
    uint channels;
    /* For tiles in blocks. */
    divisor sets, turns; /* turns: of a shard */
    uint shards, shard_tiles;
};

/* Between weights [kernel position][input][output] and [product][input][output], both in panels. */
struct winograd_weight_push {
    uint count;         /* inputs times vectors of outputs */
    divisor panel_size; /* vectors of a whole panel of a product */
    uint vectors;       /* of outputs */
    uint inputs;        /* channels, rounded up to 4 */
};

/* The same, where inputs and outputs change places: a product has a row for each output. */
struct winograd_transposed_push {
    uint count;      /* vectors a product */
    divisor outputs; /* vectors of outputs */
    uint inputs;     /* vectors of inputs */
};

/* From tiles in blocks (lib/winograd_tiles.glsl) to the gradient of weights. */
struct winograd_weight_sums_push {
    tile_order order; /* rows: blocks of WINOGRAD_SUMS_HEIGHT inputs */
    uint shards;
    uint turns;           /* of a shard */
    uint inputs, outputs; /* vectors */
};

#endif
