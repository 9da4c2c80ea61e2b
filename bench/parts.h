/* Which dispatch of one layer's tape belongs to which part: forward, backward to the data, backward to the weights. */
#ifndef BENCH_PARTS_H
#define BENCH_PARTS_H

#include "bench/kernels.h"

/*
 * parts[step]: the index in result->parts, of which those that have a dispatch are made here, with their names, flops
 * and bytes. A backward dispatch that the gradient of the data needs is "to data", the others are "to weights".
 */
enum status parts_find(const struct tape *tape, int *parts, struct bench_result *result) MUST_CHECK;

#endif
