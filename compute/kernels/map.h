/* Functions of one element, y = f(x), for layers with one input and an output of the same shape. */
#ifndef COMPUTE_KERNELS_MAP_H
#define COMPUTE_KERNELS_MAP_H

#include "compute/graph/layer.h"

struct map {
    uint32_t function; /* MAP_... of shaders/map.h */
    float slope;       /* of MAP_LEAKY_RELU; at least 0, so that the sign of y is that of x */
};

/* For infer(): one output of the input's shape. */
enum status map_infer(struct layer *layer) MUST_CHECK;
enum status map_forward(const struct layer *layer, struct tape *tape, const struct map *map) MUST_CHECK;
enum status map_backward(const struct layer *layer, struct tape *tape, const struct map *map) MUST_CHECK;
/* The layer's output becomes its input's memory, in the same order: no copy where none is needed. */
enum status map_through(const struct layer *layer, struct tape *tape) MUST_CHECK;

#endif
