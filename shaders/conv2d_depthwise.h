/* Push constants of conv2d_depthwise and conv2d_depthwise_weight. Shared by C and GLSL. */
#ifndef SHADERS_CONV2D_DEPTHWISE_H
#define SHADERS_CONV2D_DEPTHWISE_H

#include "lib/range.h"

#define DEPTHWISE_COLUMNS 4 /* neighbouring columns that an invocation works on */
#define DEPTHWISE_ROWS 4    /* and rows, at most */
#define DEPTHWISE_READ 11   /* rows or columns that it reads for them, at most */

/* Forward makes outputs and reads inputs; backward makes the inputs' gradients and reads those of the outputs. */
struct conv2d_depthwise_push {
    uint count;      /* invocations: lines of blocks, blocks of a line, channel vectors of a block */
    uint first_line; /* of blocks, over all samples */
    uint made_first; /* vector of the whole image at which the bound part begins */
    divisor vectors; /* a position */
    divisor blocks;  /* a line */
    divisor lines;   /* a sample */
    uint made_height, made_width;
    uint read_height, read_width;
    uint channels;
};

/*
 * Sums over chunks of a shard's blocks of outputs: [shard][chunk], each laid out as the weights, `step` vectors from
 * one to the next. An invocation sums for four channels.
 */
struct conv2d_depthwise_weight_push {
    uint count;       /* invocations: chunks, channel vectors of a chunk */
    uint first_chunk; /* over all shards; what is made is bound from this one on */
    uint step;
    divisor vectors; /* a position */
    divisor chunks;  /* a shard */
    uint shard_blocks;
    uint chunk_blocks; /* the last chunk of a shard may be short */
    divisor blocks;    /* a line */
    divisor lines;     /* a sample */
    uint output_height, output_width;
    uint input_height, input_width;
    uint channels;
};

#endif
