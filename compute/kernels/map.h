/* Functions of one element, y = f(x), for layers with one input and an output of the same shape. */
#ifndef COMPUTE_KERNELS_MAP_H
#define COMPUTE_KERNELS_MAP_H

#include "compute/graph/layer.h"

/* For infer(): one output of the input's shape. */
enum status map_infer(struct layer *layer) MUST_CHECK;
/* For forward() and backward() of a type with `map`. */
enum status map_forward(const struct layer *layer, struct tape *tape) MUST_CHECK;
enum status map_backward(const struct layer *layer, struct tape *tape) MUST_CHECK;
/* The layer's output becomes its input's memory, in the same order: no copy where none is needed. */
enum status map_through(const struct layer *layer, struct tape *tape) MUST_CHECK;

#endif
