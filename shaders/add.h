/* Push constants of add_forward. Shared by C and GLSL. */
#ifndef SHADERS_ADD_H
#define SHADERS_ADD_H

#include "map.h"

#define ADD_INPUTS 8 /* at most */
#define ADD_TURNS 4  /* vectors an invocation makes */

struct add_push {
    range part;
    map_channels channels;
};

#endif
