/* Push constants of col2im. Shared by C and GLSL. */
#ifndef SHADERS_COL2IM_H
#define SHADERS_COL2IM_H

#include "lib/range.h"

struct col2im_push {
    range part;       /* vectors of the image, over all its samples */
    divisor channels; /* vectors a position */
    divisor width, height;
    divisor stride_height, stride_width;
    uint kernel_height, kernel_width;
    uint padding_height, padding_width;
    uint read_height, read_width; /* positions that a sample's rows were made for */
    uint row_vectors;
    uint first_sample; /* whose rows come first */
};

#endif
