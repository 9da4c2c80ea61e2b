/* Push constants of the conv2d_grouped_*.comp kernels. Shared by C and GLSL. */
#ifndef SHADERS_CONV2D_GROUPED_H
#define SHADERS_CONV2D_GROUPED_H

#include "lib/range.h"

/* How the channels of a vector of four lie in the groups. */
#define GROUPED_ANY 0   /* each somewhere */
#define GROUPED_DEPTH 1 /* one input and one output a group: outputs and inputs lie in the same vectors */
#define GROUPED_FOURS 2 /* inputs and outputs of a group are multiples of four */

#define GROUPED_BLOCK 4     /* neighbouring columns that an invocation works on */
#define GROUPED_MAX_WIDTH 7 /* columns of a kernel whose weight gradients an invocation sums at once */

/* Forward makes outputs and reads inputs; backward makes the inputs' gradients and reads those of the outputs. */
struct conv2d_grouped_push {
    uint count;           /* blocks times channel vectors */
    uint first_line;      /* lines are rows of images, over all samples; what is made is bound from this one on */
    divisor made_vectors; /* a position */
    divisor made_blocks;  /* a line */
    divisor made_height;
    uint made_width;
    uint made_channels;
    uint read_height, read_width;
    uint read_vectors;
    uint weight_vectors; /* of the output channels */
};

/*
 * Sums over chunks of a shard's blocks: [shard][chunk], each laid out as the weights, `step` vectors from one to the
 * next. An invocation sums for one row of the kernel, a part of its columns, one input channel and four output
 * channels.
 */
struct conv2d_grouped_weight_push {
    uint count;
    uint first_chunk; /* over all shards; what is made is bound from this one on */
    uint step;
    divisor output_vectors;
    divisor elements; /* invocations a chunk */
    divisor chunks;   /* a shard */
    uint shard_blocks;
    uint chunk_blocks; /* the last chunk of a shard may be short */
    divisor output_blocks, output_height;
    uint output_width;
    uint input_height, input_width;
    uint input_vectors;
    uint output_channels;
};

#endif
