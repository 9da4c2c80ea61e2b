/* Seconds: of rounds, and of the dispatches of one phase that runs again and again. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "compute/engine.h"

struct measured {
    double best, median; /* seconds */
};

/* Sorts `seconds`; `count` is at least 1. */
struct measured measure_summary(double *seconds, int count);

/* Runs a phase that waits for nobody else: its host steps are passed over. */
enum status measure_run(struct engine *engine, int phase) MUST_CHECK;

/*
 * Runs such a phase once to warm up, then `rounds` times, or (at
 * least three times) as often as two seconds allow; the engine has timestamps. parts[i], in [0, part_count) or -1 for
 * what does not count, says where the time of step i of the tape belongs; measured[part] gets the time of all its steps
 * together.
 */
enum status measure_phase(struct engine *engine, const struct program *program, int phase, int rounds, const int *parts,
                          int part_count, struct measured *measured) MUST_CHECK;

#endif
