/* Functions of one element by number (map.h), to be given as specialization constants. */
#include "../map.h"
#include "math.glsl"
#include "padding.glsl"

/* y = f(x). Comparisons are such that NaN stays NaN. One return at the end: see gather.glsl. */
vec4 map_apply(uint function, float slope, vec4 x)
{
    vec4 y = x;
    if (function == MAP_RELU) {
        y = mix(x, vec4(0), lessThanEqual(x, vec4(0)));
    } else if (function == MAP_LEAKY_RELU) {
        y = mix(x, slope * x, lessThanEqual(x, vec4(0)));
    } else if (function == MAP_SIGMOID) {
        y = accurate_sigmoid(x);
    } else if (function == MAP_TANH) {
        y = accurate_tanh(x);
    }
    return y;
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
    vec4 dx = dy;
    if (function == MAP_RELU) {
        dx = mix(dy, vec4(0), lessThanEqual(y, vec4(0)));
    } else if (function == MAP_LEAKY_RELU) {
        dx = mix(dy, slope * dy, lessThanEqual(y, vec4(0)));
    } else if (function == MAP_SIGMOID) {
        dx = as_written(dy * (1.0 - y) * y);
    } else if (function == MAP_TANH) {
        dx = as_written(dy * (1.0 - y * y));
    }
    return dx;
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
