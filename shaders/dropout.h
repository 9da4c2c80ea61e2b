/* Push constants of dropout_forward and dropout_backward, and how they lay out the mask. Shared by C and GLSL. */
#ifndef SHADERS_DROPOUT_H
#define SHADERS_DROPOUT_H

#include "lib/range.h"

/*
 * An invocation makes DROPOUT_TURNS vectors and a word of the mask: their elements' bits, the first one's lowest. As in
 * lib/each_vector.glsl, the vectors of neighbours lie side by side; a part begins at a multiple of a workgroup's.
 */
#define DROPOUT_TURNS 8

struct dropout_push {
    range part;
    divisor sample_vectors; /* forward: vectors a sample */
    uint first_sample;      /* forward: of the global batch, the first one here */
    uint stream;            /* forward: RANDOM_DROPOUT + 256 * the layer's index */
    uint threshold;         /* forward: an element is kept where the upper 24 bits of its word are not below */
    float scale;            /* 1 / (1 - p) */
};

#endif
