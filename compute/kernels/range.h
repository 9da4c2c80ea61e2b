/*
 * Kernels that make their output vector by vector (shaders/lib/each_vector.glsl; a vector is four floats), over outputs
 * of any size: as many dispatches as the limit of storage buffers asks for.
 */
#ifndef COMPUTE_KERNELS_RANGE_H
#define COMPUTE_KERNELS_RANGE_H

#include "compute/graph/layer.h"
#include "shaders/lib/range.h"

enum { VECTOR_SIZE = 16 }; /* bytes; a kernel may have 4 or 8 of them in one of its bindings */
/* So many vectors a storage buffer holds; the multiples of RANGE_ALIGNMENT are aligned offsets. */
enum { RANGE_MAX_VECTORS = DISPATCH_MAX_STORAGE / VECTOR_SIZE, RANGE_ALIGNMENT = TENSOR_ALIGNMENT / 4 };

/* Vectors of the local samples of a tensor of that shape, channel padding included. */
static inline uint64_t range_vectors(const struct tape *tape, struct shape shape)
{
    return (uint64_t)(geometry_samples(&tape->geometry) * shape_elements(shape, DTYPE_FLOAT32)) / 4;
}

/* Items of `size` bytes, one behind the other, from one place at which a binding may begin to the next. */
int64_t range_aligned(int64_t size);

/*
 * Appends `dispatch`, whose push constants begin with a struct range, for `count` vectors of the output, `turns` of
 * them an invocation. sizes[i]: bytes that a vector of the output has in binding i (4, 8, 16), which each dispatch then
 * sees from its range's first vector on; 0: the dispatch sees the binding whole.
 */
enum status range_dispatch(struct tape *tape, const struct dispatch *dispatch, uint64_t count, uint32_t turns,
                           const uint32_t sizes[DISPATCH_MAX_BINDINGS]) MUST_CHECK;

#endif
