/* Push constants of dropout_mask. Shared by C and GLSL. */
#ifndef SHADERS_DROPOUT_H
#define SHADERS_DROPOUT_H

#include "lib/range.h"

#define DROPOUT_TURNS 4 /* vectors an invocation makes */

struct dropout_push {
    range part;
    divisor sample_vectors; /* vectors a sample */
    uint first_sample;      /* of the global batch, the first one here */
    uint stream;            /* RANDOM_DROPOUT + 256 * the layer's index */
    uint threshold;         /* an element is kept where the upper 24 bits of its word are not below */
    float scale;            /* 1 / (1 - p) */
};

#endif
