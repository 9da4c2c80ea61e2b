#include "base/shape.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"

bool shape_equal(struct shape a, struct shape b)
{
    if (a.rank != b.rank) {
        return false;
    }
    for (int i = 0; i < a.rank; i++) {
        if (a.dim[i] != b.dim[i]) {
            return false;
        }
    }
    return true;
}

int64_t shape_channels(struct shape shape)
{
    switch (shape.rank) {
    case 0:
        return 1;
    case 2:
        return shape.dim[1];
    default:
        return shape.dim[0];
    }
}

int64_t shape_positions(struct shape shape)
{
    return shape_height(shape) * shape_width(shape);
}

int64_t shape_height(struct shape shape)
{
    return shape.rank == 3 ? shape.dim[1] : 1;
}

int64_t shape_width(struct shape shape)
{
    switch (shape.rank) {
    case 2:
        return shape.dim[0];
    case 3:
        return shape.dim[2];
    default:
        return 1;
    }
}

int64_t shape_count(struct shape shape)
{
    return shape_channels(shape) * shape_positions(shape);
}

int64_t shape_stride(struct shape shape)
{
    return round_up_count(shape_channels(shape), 4);
}

int64_t shape_elements(struct shape shape, enum dtype dtype)
{
    return dtype == DTYPE_INT32 ? shape_count(shape) : shape_positions(shape) * shape_stride(shape);
}

const char *shape_format(struct shape shape, char text[SHAPE_TEXT_SIZE])
{
    if (shape.rank == 0) {
        snprintf(text, SHAPE_TEXT_SIZE, "()");
        return text;
    }
    int used = 0;
    for (int i = 0; i < shape.rank; i++) {
        used += snprintf(text + used, (size_t)(SHAPE_TEXT_SIZE - used), "%s%" PRId64, i > 0 ? " x " : "", shape.dim[i]);
    }
    return text;
}
