/*
 * Convolution by groups: every group of output channels sees a group of input channels of its own. Direct kernels, with
 * weights in memory as [kernel position][input channel of the group][output channel], output channels rounded up to 4.
 */
#ifndef COMPUTE_KERNELS_GROUPED_H
#define COMPUTE_KERNELS_GROUPED_H

#include "compute/graph/layer.h"
#include "compute/kernels/window.h"

struct grouped {
    struct window window;
    int64_t groups;
    struct shape input, output;
};

/* Floats of the weights, and where element (output, input of the group, kernel position) lies. */
int64_t grouped_elements(const struct grouped *grouped);
int64_t grouped_place(int64_t outputs, int64_t group_inputs, int64_t output, int64_t input, int64_t position);

struct grouped_bindings {
    struct binding image, weight;    /* read */
    const struct binding *bias;      /* read; NULL: none */
    const struct epilogue *epilogue; /* forward: done to the result; NULL: none */
    struct binding result;           /* written */
};

/* Sets the specialization constants of shaders/lib/window.glsl; behind them the dispatch may have others. */
void grouped_set_window(const struct grouped *grouped, struct dispatch *dispatch);

/* image: the input; result: the output. */
enum status grouped_forward(struct tape *tape, const struct grouped *grouped,
                            const struct grouped_bindings *bindings) MUST_CHECK;
/* image: the output's gradient; result: the input's. */
enum status grouped_backward(struct tape *tape, const struct grouped *grouped,
                             const struct grouped_bindings *bindings) MUST_CHECK;
/* How the sum of a weight gradient over a shard is cut. */
struct grouped_chunks {
    int64_t shard_blocks, blocks; /* neighbouring outputs that a kernel works on at once: a shard, a chunk */
    int64_t count;                /* a shard */
};
struct grouped_chunks grouped_cut(int64_t shard_blocks, int64_t least_blocks);

/* The gradient of the layer's parameter `weight`, for every piece. */
enum status grouped_weight_gradient(struct tape *tape, const struct grouped *grouped, struct binding input,
                                    struct binding output_gradient, const struct layer *layer, int weight) MUST_CHECK;

#endif
