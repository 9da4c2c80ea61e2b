#version 450
#extension GL_GOOGLE_include_directive : require
/* The mean of each window: over the whole window, or over the part of it that lies in the image. */
#include "pool.h"
#include "lib/pool.glsl"

layout(constant_id = 5) const uint INCLUDE_PADDING = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)

vec4 make_vector(uint row, uint column, uint start, uint channel)
{
    /* Rows and columns of the input; those before the first are huge numbers, and so beyond the last. */
    uint top = row * STRIDE_HEIGHT - push.padding_height;
    uint left = column * STRIDE_WIDTH - push.padding_width;
    vec4 sum = vec4(0);
    uint count = 0;
    for (uint i = 0; i < KERNEL_HEIGHT; i++) {
        for (uint j = 0; j < KERNEL_WIDTH; j++) {
            bool inside = top + i < push.read_height && left + j < push.read_width;
            uint position = inside ? start + (top + i) * push.read_width + left + j : 0;
            vec4 value = imageLoad(x, int(position * push.channels.value + channel));
            sum += mix(vec4(0), value, bvec4(inside));
            count += inside ? 1 : 0;
        }
    }
    return sum / float(INCLUDE_PADDING == 1 ? KERNEL_HEIGHT * KERNEL_WIDTH : count);
}

#define MAKE(i) STORE_AT(y, POOL_PLACE(i), make_vector(row, column + i, start, channel))
#define PREPARE
#include "lib/pool_main.glsl"
