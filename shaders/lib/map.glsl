/* Functions of one element by number (map.h), to be given as specialization constants. */
#include "../map.h"
#include "math.glsl"
#include "padding.glsl"

/* y = f(x). Comparisons are such that NaN stays NaN. */
vec4 map_apply(uint function, float slope, vec4 x)
{
    switch (function) {
    case MAP_RELU:
        return mix(x, vec4(0), lessThanEqual(x, vec4(0)));
    case MAP_LEAKY_RELU:
        return mix(x, slope * x, lessThanEqual(x, vec4(0)));
    case MAP_SIGMOID:
        return accurate_sigmoid(x);
    case MAP_TANH:
        return accurate_tanh(x);
    default:
        return x;
    }
}

/*
 * x, as if it had been written to memory and read again: a driver that makes products and sums one instruction does not
 * reach through. So a layer comes to the same bits alone and absorbed by the one that reads it.
 */
vec4 as_written(vec4 x)
{
    uint nought = uint(gl_NumWorkGroups.x == 0); /* which a driver does not know */
    return uintBitsToFloat(floatBitsToUint(x) | nought);
}

/* dy f'(x), with f' from y = f(x). */
vec4 map_derivative(uint function, float slope, vec4 y, vec4 dy)
{
    switch (function) {
    case MAP_RELU:
        return mix(dy, vec4(0), lessThanEqual(y, vec4(0)));
    case MAP_LEAKY_RELU:
        return mix(dy, slope * dy, lessThanEqual(y, vec4(0)));
    case MAP_SIGMOID:
        return as_written(dy * (1.0 - y) * y);
    case MAP_TANH:
        return as_written(dy * (1.0 - y * y));
    default:
        return dy;
    }
}

/* Whether f(0) is not 0, as the channel padding must be. */
bool map_moves_zero(uint function)
{
    return function == MAP_SIGMOID;
}

/* Zeros in the channel padding; `index` is the vector's in the whole tensor. */
vec4 map_without_padding(vec4 value, uint index, map_channels channels)
{
    uint vector = index - divide(index, channels.stride) * channels.stride.value;
    return without_padding(value, vector, channels.count);
}
