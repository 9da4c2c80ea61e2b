/*
 * The gradient of a convolution to its input by products without gaps: a row of the output's gradient times all weights
 * makes what each kernel position hands back, and col2im adds it up where the windows overlap. It needs memory for
 * these rows, and pays where the other way (compute/kernels/convolution.c) multiplies much with zeros: at borders of
 * small images, and where the input has few channels, so that tiles are mostly padding.
 */
#ifndef COMPUTE_KERNELS_COL2IM_H
#define COMPUTE_KERNELS_COL2IM_H

#include "compute/kernels/convolution.h"

/* Whether it can do it, and is faster than `other` multiply-adds a sample, padding of tiles included. */
bool col2im_pays(const struct convolution *convolution, double other);
enum status col2im_backward(struct tape *tape, const struct convolution *convolution,
                            const struct convolution_bindings *bindings) MUST_CHECK;

#endif
