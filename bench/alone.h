/* One phase made by hand on an engine of its own, over as many parameters as are wanted. */
#ifndef BENCH_ALONE_H
#define BENCH_ALONE_H

#include "compute/engine.h"
#include "compute/graph/graph.h"

struct alone {
    struct graph graph;
    struct program program;
    struct engine *engine;
};

/* Appends to the tape of the phase; constants can be added to the program. */
typedef enum status alone_emit(struct alone *alone, struct tape *tape, void *context);

struct alone_params {
    const struct engine_params *engine;
    int64_t parameters; /* floats of the flat buffer, rounded up to PROGRAM_BLOCK */
    int slots;          /* of the optimiser */
    alone_emit *emit;
    void *context;
};

/* On failure nothing is left to release. The phase is number 0. */
enum status alone_init(struct alone *alone, const struct alone_params *params) MUST_CHECK;
void alone_release(struct alone *alone);

#endif
