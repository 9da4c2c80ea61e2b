/*
 * The layers' formulas in double precision and plain loops, over dense arrays in PyTorch's order: [sample][element].
 */
#ifndef TESTS_UNIT_LAYERS_REFERENCE_H
#define TESTS_UNIT_LAYERS_REFERENCE_H

#include <stdint.h>

#include "base/shape.h"

enum { REFERENCE_INPUTS = 8, REFERENCE_PARAMETERS = 4 };

/* One layer over a whole batch: what goes in, and room for what comes out. */
struct reference {
    const char *type;
    /* Options, of those types that have them. */
    double slope, p, epsilon;
    int kernel[2], stride[2], padding[2];
    int count_include_pad, affine, global, training;
    uint64_t seed;
    uint32_t step, layer;

    int input_count;
    struct shape shape, output; /* of every input; of the output */
    int64_t samples;
    int shards;
    const double *x[REFERENCE_INPUTS];
    const double *dy;
    const double *parameters[REFERENCE_PARAMETERS];

    double *y;
    double *dx[REFERENCE_INPUTS];
    double *gradients[REFERENCE_PARAMETERS]; /* sums over the shards; of buffers: of their statistics */
};

void reference_run(struct reference *reference);

#endif
