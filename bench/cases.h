/* The table of what `lemnos bench kernels` measures: a case is a layer's type, its options, and a shape. */
#ifndef BENCH_CASES_H
#define BENCH_CASES_H

#include "base/shape.h"

enum { BENCH_MAX_INPUTS = 2 };

struct bench_case {
    const char *name;
    const char *layer;                     /* its type, or an update: "sgd", "adam", "adamw" */
    const char *options;                   /* lines "key = value"; other keys keep their defaults */
    struct shape inputs[BENCH_MAX_INPUTS]; /* of a sample; a scalar is a label. Of an update: the parameters */
    int input_count;
    int64_t samples; /* 0: an update */
};

extern const struct bench_case bench_cases[]; /* ends with a NULL name */

#endif
