/* Push constants of softmax_cross_entropy_forward and _backward. Shared by C and GLSL. */
#ifndef SHADERS_SOFTMAX_CROSS_ENTROPY_H
#define SHADERS_SOFTMAX_CROSS_ENTROPY_H

#include "lib/range.h"

#define SOFTMAX_TURNS 4 /* vectors an invocation of the backward pass makes */

struct softmax_cross_entropy_forward_push {
    uint rows;         /* predictions here: samples x positions */
    divisor positions; /* of a sample */
};

struct softmax_cross_entropy_backward_push {
    range part;
    divisor stride; /* vectors a row */
    uint classes;
};

#endif
