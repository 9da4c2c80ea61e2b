/* A case of bench/cases.h as one layer on an engine, ready to run. */
#ifndef BENCH_LAYER_H
#define BENCH_LAYER_H

#include "bench/cases.h"
#include "compute/single.h"

enum { BENCH_TINY_SAMPLES = 2 };

/* Its one part is phase 0; filled with numbers of ordinary size. The case is a layer whose type there is. */
enum status bench_layer_create(const struct engine_params *engine, const struct bench_case *of, int64_t samples,
                               struct single **single) MUST_CHECK;

#endif
