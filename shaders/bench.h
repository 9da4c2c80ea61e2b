/* Push constants of the bench_*.comp kernels. Shared by C and GLSL. */
#ifndef SHADERS_BENCH_H
#define SHADERS_BENCH_H

#include "lib/range.h"

#define BENCH_COPY_VECTORS 8 /* an invocation */

struct bench_copy_push {
    uint count; /* vectors */
};

struct bench_multiply_add_push {
    float scale, offset;
};

#endif
