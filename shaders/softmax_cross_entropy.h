/* Push constants of softmax_cross_entropy_forward and _backward. */
#ifndef SHADERS_SOFTMAX_CROSS_ENTROPY_H
#define SHADERS_SOFTMAX_CROSS_ENTROPY_H

#ifndef VULKAN         /* which GLSL compilers define */
#include <sys/types.h> /* uint */
#endif

struct softmax_cross_entropy_push {
    uint rows;      /* predictions here: samples x positions */
    uint positions; /* of a sample */
};

#endif
