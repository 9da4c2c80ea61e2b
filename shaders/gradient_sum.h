/* sum[i] = left[i] + right[i] over `count` vectors of four floats. Shared by C and GLSL. */
#ifndef SHADERS_GRADIENT_SUM_H
#define SHADERS_GRADIENT_SUM_H

#ifndef VULKAN         /* which GLSL compilers define */
#include <sys/types.h> /* uint */
#endif

#define GRADIENT_SUM_VECTORS 256 /* vectors a workgroup: 8 invocations, 32 each */

struct gradient_sum_push {
    uint count;
};

#endif
