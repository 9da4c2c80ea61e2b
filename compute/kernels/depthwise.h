/*
 * Convolution in which every channel is a group of its own, over neighbouring positions at once that share what they
 * load: for kernels, strides and dilations that are not large. Weights as compute/kernels/grouped.h has them.
 */
#ifndef COMPUTE_KERNELS_DEPTHWISE_H
#define COMPUTE_KERNELS_DEPTHWISE_H

#include "compute/kernels/grouped.h"

bool depthwise_can_forward(const struct grouped *grouped);
bool depthwise_can_backward(const struct grouped *grouped);

/* Such as grouped_forward() and grouped_backward(). */
enum status depthwise_forward(struct tape *tape, const struct grouped *grouped,
                              const struct grouped_bindings *bindings) MUST_CHECK;
enum status depthwise_backward(struct tape *tape, const struct grouped *grouped,
                               const struct grouped_bindings *bindings) MUST_CHECK;

/* How the sum of a weight gradient over a shard is cut; a count of 0: the convolution is not for this kernel. */
struct grouped_chunks depthwise_chunks(const struct tape *tape, const struct grouped *grouped);
/* Gradients of the weights, `step` floats a chunk: sums[shard][chunk][step]. */
enum status depthwise_sum_chunks(struct tape *tape, const struct grouped *grouped, struct binding input,
                                 struct binding output_gradient, int64_t step, struct binding sums) MUST_CHECK;

#endif
