/* Shapes as initializers, for files that hold tables of cases, and no others. */
#ifndef BASE_SHAPE_TABLES_H
#define BASE_SHAPE_TABLES_H

#include "base/shape.h"

#define SCALAR                                                                                                         \
    {                                                                                                                  \
        .rank = 0                                                                                                      \
    }
#define VECTOR(channels)                                                                                               \
    {                                                                                                                  \
        .rank = 1, .dim = { channels }                                                                                 \
    }
#define SEQUENCE(positions, channels)                                                                                  \
    {                                                                                                                  \
        .rank = 2, .dim = { positions, channels }                                                                      \
    }
#define IMAGE(channels, height, width)                                                                                 \
    {                                                                                                                  \
        .rank = 3, .dim = { channels, height, width }                                                                  \
    }

#endif
