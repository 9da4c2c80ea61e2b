#version 450
#extension GL_GOOGLE_include_directive : require
/* The gradient of an input: the sum over the windows that cover it, each divided as in the forward pass. */
#include "pool.h"

layout(constant_id = 0) const uint INCLUDE_PADDING = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer dy;
layout(std430, binding = 1) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    pool_push push;
};

/* How many of a window's positions along one axis lie in the image. */
uint covered(uint window, uint stride, uint padding, uint kernel, uint size)
{
    uint first = max(window * stride, padding);
    uint end = min(window * stride + kernel, size + padding);
    return end - first;
}

void make_vector(uint index, uint at)
{
    uvec4 place = pool_place(index, push);
    uint y = place.z + push.padding_height;
    uint x = place.y + push.padding_width;
    uint last_row = divide(y, push.stride_height);
    uint last_column = divide(x, push.stride_width);
    uint i_least = y - last_row * push.stride_height.value;
    uint j_least = x - last_column * push.stride_width.value;
    uint start = place.w * push.read_height * push.read_width;

    vec4 sum = vec4(0);
    for (uint k = 0; k < push.turns_height; k++) {
        uint row = last_row - k; /* beyond the image where it is above it */
        bool row_inside =
            row < push.read_height && i_least + k * push.stride_height.value < push.kernel_height;
        uint rows = INCLUDE_PADDING == 1 ? push.kernel_height
                                         : covered(row, push.stride_height.value, push.padding_height,
                                                   push.kernel_height, push.made_height.value);
        for (uint l = 0; l < push.turns_width; l++) {
            uint column = last_column - l;
            bool inside = row_inside && column < push.read_width &&
                          j_least + l * push.stride_width.value < push.kernel_width;
            uint columns = INCLUDE_PADDING == 1 ? push.kernel_width
                                                : covered(column, push.stride_width.value, push.padding_width,
                                                          push.kernel_width, push.made_width.value);
            uint position = inside ? start + row * push.read_width + column : 0;
            vec4 gradient = imageLoad(dy, int(position * push.channels.value + place.x));
            sum += mix(vec4(0), gradient / float(rows * columns), bvec4(inside));
        }
    }
    dx[at] = sum;
}

#define TURNS 1
#include "lib/each_vector.glsl"
