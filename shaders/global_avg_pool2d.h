/* Push constants of global_avg_pool2d_backward. Shared by C and GLSL. */
#ifndef SHADERS_GLOBAL_AVG_POOL2D_H
#define SHADERS_GLOBAL_AVG_POOL2D_H

#include "lib/range.h"

#define GLOBAL_AVG_POOL2D_TURNS 4 /* vectors an invocation of the backward pass makes */

struct global_avg_pool2d_push {
    range part;
    divisor channels;  /* vectors a position */
    divisor positions; /* a sample */
    float scale;
};

#endif
