/* Convolutions without groups as products of matrices: output, and gradients to input and weights. */
#ifndef COMPUTE_KERNELS_CONVOLUTION_H
#define COMPUTE_KERNELS_CONVOLUTION_H

#include "compute/graph/layer.h"
#include "compute/kernels/window.h"

/*
 * Columns that a tile of a product is taken to have where the cost of ways to convolve is weighed: a number for all
 * devices, so that the choice, on which bits depend, follows from shapes alone.
 */
enum { CONVOLUTION_TILE_COLUMNS = 32 };

struct convolution {
    struct window window;
    struct shape input, output;
    enum convolution_algorithm { CONVOLUTION_AUTO, CONVOLUTION_DIRECT, CONVOLUTION_WINOGRAD } algorithm;
};

/*
 * Weights lie in panels (compute/kernels/matmul.h): kernel positions and input channels (rounded up to 4, but for a
 * single one) down, output channels across. Floats, and where an element lies.
 */
int64_t convolution_weight_elements(const struct convolution *convolution);
int64_t convolution_weight_place(int64_t outputs, int64_t inputs, int64_t positions, const int64_t index[3]);

struct convolution_bindings {
    struct binding image, weight;    /* read */
    const struct binding *bias;      /* read; NULL: none */
    const struct epilogue *epilogue; /* forward: done to the result; NULL: none */
    struct binding result;           /* written */
};

/* image: the input; result: the output. */
enum status convolution_forward(struct tape *tape, const struct convolution *convolution,
                                const struct convolution_bindings *bindings) MUST_CHECK;
/* image: the output's gradient; result: the input's. */
enum status convolution_backward(struct tape *tape, const struct convolution *convolution,
                                 const struct convolution_bindings *bindings) MUST_CHECK;
/* The gradients of the layer's parameters `weight` and `bias` (-1: none), for every piece. */
enum status convolution_weight_gradient(struct tape *tape, const struct convolution *convolution, struct binding input,
                                        struct binding output_gradient, const struct layer *layer, int weight,
                                        int bias) MUST_CHECK;

#endif
