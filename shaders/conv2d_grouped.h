/* Push constants of the conv2d_grouped_*.comp kernels. Shared by C and GLSL. */
#ifndef SHADERS_CONV2D_GROUPED_H
#define SHADERS_CONV2D_GROUPED_H

#include "lib/range.h"

/* How the channels of a vector of four lie in the groups. */
#define GROUPED_ANY 0   /* each somewhere */
#define GROUPED_DEPTH 1 /* one input and one output a group: outputs and inputs lie in the same vectors */
#define GROUPED_FOURS 2 /* inputs and outputs of a group are multiples of four */

/* Forward makes outputs and reads inputs; backward makes the inputs' gradients and reads those of the outputs. */
struct conv2d_grouped_push {
    range part;
    divisor made_vectors; /* a position */
    divisor made_width, made_height;
    uint made_channels;
    uint read_height, read_width;
    uint read_vectors;
    uint weight_vectors; /* of the output channels */
};

/* Sums over chunks of a shard's rows: [shard][chunk][kernel position][input channel of the group][output channel]. */
struct conv2d_grouped_weight_push {
    range part;
    divisor weight_vectors; /* of the output channels */
    divisor elements;       /* vectors of all weights */
    divisor chunks;         /* a shard */
    uint shard_rows;
    uint chunk_rows; /* the last chunk of a shard may be short */
    divisor output_width, output_height;
    uint input_height, input_width;
    uint input_vectors;
    uint output_channels;
};

#endif
