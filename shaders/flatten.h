/* Push constants of flatten_forward and flatten_backward. Shared by C and GLSL. */
#ifndef SHADERS_FLATTEN_H
#define SHADERS_FLATTEN_H

#include "lib/range.h"

/*
 * Element (outer, inner) of a sample, in PyTorch's order at outer * inner.value + inner, lies in channels-last memory
 * at float outer * outer_step + inner * inner_step.
 */
struct flatten_push {
    range part;
    divisor sample_vectors; /* forward: vectors of a flat sample; backward: of one in channels-last memory */
    divisor inner;          /* forward only: elements of the inner dimension */
    divisor stride;         /* backward only: vectors a position */
    uint flat_stride;       /* floats of a flat sample, padding included */
    uint count;             /* elements of a sample, without padding */
    uint channels;
    uint outer_step, inner_step;      /* forward */
    uint position_step, channel_step; /* backward: flat elements from one to the next */
    uint sample_floats;               /* of a sample in channels-last memory */
};

#endif
