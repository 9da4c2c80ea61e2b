/* Functions of one element, and push constants of map_forward and map_backward. Shared by C and GLSL. */
#ifndef SHADERS_MAP_H
#define SHADERS_MAP_H

#include "lib/range.h"

/* The formulas stand in lib/map.glsl. */
#define MAP_COPY 0
#define MAP_RELU 1
#define MAP_LEAKY_RELU 2
#define MAP_SIGMOID 3
#define MAP_TANH 4

#define MAP_TURNS 8

/* What an epilogue does before its map (lib/epilogue.glsl), added up. */
#define EPILOGUE_NORMALISES 1
#define EPILOGUE_ADDS 2

/* Where the channel padding lies. */
struct map_channels {
    divisor stride; /* vectors a position */
    uint count;     /* channels, without the padding */
};

#ifndef VULKAN
typedef struct map_channels map_channels;
#endif

struct map_push {
    range part;
    map_channels channels; /* forward */
};

#endif
