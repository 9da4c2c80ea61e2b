/* Push constants of max_pool2d and avg_pool2d, forward and backward. Shared by C and GLSL. */
#ifndef SHADERS_POOL_H
#define SHADERS_POOL_H

#include "lib/range.h"

#define POOL_NARROW 256 /* a window of at most so many positions: its largest fits in a byte, else in 16 bits */
#define POOL_COLUMNS 4  /* neighbours in a row that an invocation makes */

/* Forward makes outputs and reads inputs; backward makes the inputs' gradients and reads those of the outputs. */
struct pool_push {
    range part;       /* invocations: (row * column groups + column group) * channels + channel vector */
    divisor channels; /* vectors a position */
    divisor groups;   /* of POOL_COLUMNS columns, a row */
    divisor height;   /* of what is made */
    uint width;       /* of what is made */
    uint read_height;
    uint read_width;
    uint padding_height;
    uint padding_width;
    uint made_first; /* vector of the whole tensor at which the bound part begins */
};

#endif
