/* Push constants of max_pool2d and avg_pool2d, forward and backward. Shared by C and GLSL. */
#ifndef SHADERS_POOL_H
#define SHADERS_POOL_H

#include "lib/range.h"

#define POOL_NARROW 256 /* a window of at most so many positions: its largest fits in a byte, else in 16 bits */

/* Forward makes outputs and reads inputs; backward makes the inputs' gradients and reads those of the outputs. */
struct pool_push {
    range part;
    divisor channels; /* vectors a position */
    divisor made_height, made_width;
    uint read_height, read_width;
    uint kernel_height, kernel_width;
    divisor stride_height, stride_width;
    uint padding_height, padding_width;
    uint turns_height, turns_width; /* backward: windows over one position, an axis: kernel / stride rounded up */
};

#ifdef VULKAN
/* Where a vector lies: channel vector, column, row, sample. */
uvec4 pool_place(uint index, pool_push push)
{
    uint position = divide(index, push.channels);
    uint row = divide(position, push.made_width);
    uint sample_index = divide(row, push.made_height);
    return uvec4(index - position * push.channels.value, position - row * push.made_width.value,
                 row - sample_index * push.made_height.value, sample_index);
}
#endif

#endif
