/* Push constants of mse_forward and mse_backward. Shared by C and GLSL. */
#ifndef SHADERS_MSE_H
#define SHADERS_MSE_H

#include "lib/range.h"

#define MSE_TURNS 4 /* vectors an invocation of the backward pass makes */

struct mse_forward_push {
    range part;    /* of the partial sums */
    divisor parts; /* a sample */
    uint vectors;  /* a sample */
    float scale;   /* 1 / elements of a sample */
};

struct mse_backward_push {
    range part;
    divisor sample_vectors;
    float scale; /* 2 / elements of a sample, negative for the target's gradient */
};

#endif
