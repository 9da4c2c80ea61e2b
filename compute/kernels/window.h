/* What a convolution slides over an image; height and width each. */
#ifndef COMPUTE_KERNELS_WINDOW_H
#define COMPUTE_KERNELS_WINDOW_H

#include <stdint.h>

struct window {
    int64_t kernel[2], stride[2];
    int64_t padding[2]; /* above and left; what lies behind the image follows from the output's size */
    int64_t dilation[2];
};

#endif
