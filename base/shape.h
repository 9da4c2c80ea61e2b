/*
 * Shapes of tensors, for one sample, in PyTorch's order without the batch dimension:
 *   rank 0  ()         one number          rank 2  (T, C)     a sequence of T positions
 *   rank 1  (C)        a vector            rank 3  (C, H, W)  an image of H x W positions
 *
 * In memory float tensors are channels last: [sample][position][channel], the channel stride rounded up to 4 floats
 * and the padding zero. int32 tensors (labels, tokens) are dense, without padding.
 */
#ifndef BASE_SHAPE_H
#define BASE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dtype { DTYPE_FLOAT32, DTYPE_INT32 };

enum { SHAPE_MAX_RANK = 3, SHAPE_TEXT_SIZE = 80 };

struct shape {
    int rank;
    int64_t dim[SHAPE_MAX_RANK];
};

static inline struct shape shape_scalar(void)
{
    return (struct shape){.rank = 0};
}

static inline struct shape shape_vector(int64_t channels)
{
    return (struct shape){.rank = 1, .dim = {channels}};
}

static inline struct shape shape_image(int64_t channels, int64_t height, int64_t width)
{
    return (struct shape){.rank = 3, .dim = {channels, height, width}};
}

bool shape_equal(struct shape a, struct shape b);
/* C: 1 for a scalar. */
int64_t shape_channels(struct shape shape);
/* H * W of an image, T of a sequence, else 1. */
int64_t shape_positions(struct shape shape);
int64_t shape_height(struct shape shape); /* 1 where it is no image */
int64_t shape_width(struct shape shape);  /* T for a sequence, 1 for a vector */
/* Values a user would count: the product of all dimensions. */
int64_t shape_count(struct shape shape);
/* Floats from one position to the next: the channels rounded up to 4. */
int64_t shape_stride(struct shape shape);
/* Elements of one sample in memory: positions * stride for float32, shape_count() for int32. */
int64_t shape_elements(struct shape shape, enum dtype dtype);
/* "3 x 32 x 32", "10", "()". Returns `text`. */
const char *shape_format(struct shape shape, char text[SHAPE_TEXT_SIZE]);

#endif
