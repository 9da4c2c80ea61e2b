/* What max_pool2d and avg_pool2d share: options, output shape and push constants. */
#ifndef COMPUTE_KERNELS_POOL_H
#define COMPUTE_KERNELS_POOL_H

#include "compute/graph/layer.h"
#include "shaders/pool.h"

/* Height and width each. */
struct pool_options {
    int64_t kernel[2];
    int64_t stride[2]; /* 0: the kernel */
    int64_t padding[2];
    bool count_include_pad; /* of avg_pool2d */
};

/* Rows of an option table over struct pool_options. */
#define POOL_OPTION_KERNEL                                                                                             \
    {                                                                                                                  \
        .name = "kernel", .type = OPTION_PAIR, .offset = offsetof(struct pool_options, kernel), .min = 1,              \
        .max = 16384, .help = "height x width of the window"                                                           \
    }
#define POOL_OPTION_STRIDE                                                                                             \
    {                                                                                                                  \
        .name = "stride", .type = OPTION_PAIR, .offset = offsetof(struct pool_options, stride), .fallback = "0",       \
        .min = 0, .max = 16384, .help = "from one window to the next; 0: the kernel, so that windows do not overlap"   \
    }
#define POOL_OPTION_PADDING                                                                                            \
    {                                                                                                                  \
        .name = "padding", .type = OPTION_PAIR, .offset = offsetof(struct pool_options, padding), .fallback = "0",     \
        .min = 0, .max = 8192, .help = "rows and columns around the image, at most half the kernel"                    \
    }

enum status pool_infer(struct layer *layer) MUST_CHECK;
/* Positions of a window. */
int64_t pool_window(const struct layer *layer);
/*
 * Appends `dispatch` (kernel and bindings) from shape `read` to shape `made`: in parts, where storage buffers are too
 * small for the whole. sizes[i]: bytes that a vector of what is made has in binding i, 0 where that is bound whole.
 * `variant` is the kernel's own specialization constant.
 */
enum status pool_dispatch(const struct layer *layer, struct tape *tape, const struct dispatch *dispatch,
                          struct shape made, struct shape read, uint32_t variant,
                          const uint32_t sizes[DISPATCH_MAX_BINDINGS]) MUST_CHECK;

#endif
