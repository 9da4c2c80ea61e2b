/* The gradient of a value with several consumers, sum = left + right, vector by vector. Shared by C and GLSL. */
#ifndef SHADERS_GRADIENT_SUM_H
#define SHADERS_GRADIENT_SUM_H

#include "lib/range.h"

#define GRADIENT_SUM_TURNS 4 /* vectors an invocation makes */

struct gradient_sum_push {
    range part;
};

#endif
