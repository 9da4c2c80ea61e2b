/* Push constants and functions of map_forward and map_backward. Shared by C and GLSL. */
#ifndef SHADERS_MAP_H
#define SHADERS_MAP_H

#include "lib/range.h"

/* Specialization constant 0. */
#define MAP_COPY 0
#define MAP_RELU 1
#define MAP_LEAKY_RELU 2
#define MAP_SIGMOID 3
#define MAP_TANH 4

#define MAP_TURNS 4 /* vectors an invocation makes */

struct map_push {
    range part;
    divisor stride; /* vectors a position */
    uint tail;      /* channels in a position's last vector where that is not full, else 0 */
    float slope;    /* of leaky_relu below 0 */
};

#endif
