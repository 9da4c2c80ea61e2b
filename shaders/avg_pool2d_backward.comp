#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of an input: the sum over the windows that cover it, each divided as in the forward pass. */
#include "pool.h"
#include "lib/pool.glsl"

layout(constant_id = 5) const uint INCLUDE_PADDING = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(1, dx)

/* Positions that a forward window was divided by, along one axis. */
uint divided_by(uint window, uint stride, uint padding, uint kernel, uint size)
{
    if (INCLUDE_PADDING == 1) {
        return kernel;
    }
    return min(window * stride + kernel, size + padding) - max(window * stride, padding);
}

#define WINDOW(window, vector)                                                                                         \
    uint count = divided_by(window.x, STRIDE_HEIGHT, push.padding_height, KERNEL_HEIGHT, push.height.value) *          \
                 divided_by(window.y, STRIDE_WIDTH, push.padding_width, KERNEL_WIDTH, push.width);                     \
    vec4 gradient = imageLoad(dy, int(vector)) / float(count);
#define PART(reached, i, j) mix(vec4(0), gradient, bvec4(reached && i < KERNEL_HEIGHT))
#include "lib/pool_backward.glsl"
