/* The cases of compute/check.h: at least one row a layer type. */
#ifndef COMPUTE_CHECK_CASES_H
#define COMPUTE_CHECK_CASES_H

#include "base/shape.h"

enum { CHECK_MAX_INPUTS = 3 };

struct check_case {
    const char *type;
    const char *options; /* lines "key = value" */
    struct shape inputs[CHECK_MAX_INPUTS];
    int input_count;
    int samples, shards;
    double low, high; /* inputs are drawn from [low, high) */
    int classes;      /* above 0: the second input holds labels below it */
};

extern const struct check_case check_cases[];
extern const int check_case_count;

#endif
