/*
 * Convolutions 3 x 3 with stride 1 by Winograd's algorithm (shaders/lib/winograd.glsl): a quarter of the products,
 * about as exact; the rounding differs from that of the direct kernels.
 */
#ifndef COMPUTE_KERNELS_WINOGRAD_H
#define COMPUTE_KERNELS_WINOGRAD_H

#include "compute/graph/layer.h"
#include "compute/kernels/window.h"

struct winograd {
    int64_t padding[2];         /* above and left; may be negative */
    struct shape input, output; /* images: what is read, and what is made of it */
};

/* Whether the algorithm can be used. */
bool winograd_can(const struct window *window, struct shape input, struct shape output);
/* Whether it is faster than the direct kernels; a pure function of shapes, shards and the class, so the same on every
 * rank. */
bool winograd_pays(const struct winograd *winograd, const struct geometry *geometry);
bool winograd_gradient_pays(const struct tape *tape, const struct winograd *winograd);

struct winograd_bindings {
    struct binding image;            /* read */
    struct binding weight;           /* read: [kernel position][input][output] in panels (compute/kernels/matmul.h) */
    bool transposed;                 /* those of the convolution whose gradient to the input this is */
    const struct binding *bias;      /* read; NULL: none */
    const struct epilogue *epilogue; /* done to the result; NULL: none */
    struct binding result;           /* written */
};

/* The convolution; with transposed weights and padding 2 - p, the gradient to the input of one. */
enum status winograd_convolve(struct tape *tape, const struct winograd *winograd,
                              const struct winograd_bindings *bindings) MUST_CHECK;
/* The gradient of the layer's parameter `weight`, for every piece. */
enum status winograd_weight_gradient(struct tape *tape, const struct winograd *winograd, struct binding input,
                                     struct binding output_gradient, const struct layer *layer, int weight) MUST_CHECK;

#endif
