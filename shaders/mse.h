/* Push constants of mse_forward and mse_backward. */
#ifndef SHADERS_MSE_H
#define SHADERS_MSE_H

#ifndef VULKAN         /* which GLSL compilers define */
#include <sys/types.h> /* uint */
#endif

struct mse_push {
    uint total;  /* invocations that have work */
    float scale; /* forward: 1 / elements of a sample; backward: 2 / elements, negative for the target's gradient */
};

#endif
