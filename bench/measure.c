#include "bench/measure.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"

enum { WAIT_US = 100000, FEWEST_ROUNDS = 3 };
static const double seconds_allowed = 2.0;

static int ascending(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

struct measured measure_summary(double *seconds, int count)
{
    qsort(seconds, (size_t)count, sizeof *seconds, ascending);
    double middle = seconds[count / 2];
    return (struct measured){.best = seconds[0],
                             .median = count % 2 == 1 ? middle : (seconds[count / 2 - 1] + middle) / 2.0};
}

enum status measure_run(struct engine *engine, int phase)
{
    TRY(engine_begin(engine, phase));
    struct engine_event event;
    do {
        TRY(engine_poll(engine, WAIT_US, &event));
        if (event.kind == EVENT_HOST) {
            TRY(engine_continue(engine));
        }
    } while (event.kind != EVENT_DONE);
    return STATUS_OK;
}

enum status measure_phase(struct engine *engine, const struct program *program, int phase, int rounds, const int *parts,
                          int part_count, struct measured *measured)
{
    int steps = program->phases[phase]->tape.step_count;
    double *seconds = NULL;
    double *sums = NULL; /* by part and round */
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)steps, sizeof *seconds, &seconds));
    TRY_OUT(memory_allocate((size_t)(part_count * rounds), sizeof *sums, &sums));
    TRY_OUT(measure_run(engine, phase));
    double started = clock_now();
    int done = 0;
    while (done < rounds && (done < FEWEST_ROUNDS || clock_now() - started < seconds_allowed)) {
        TRY_OUT(measure_run(engine, phase));
        TRY_OUT(engine_times(engine, phase, seconds));
        for (int i = 0; i < steps; i++) {
            if (parts[i] >= 0) {
                sums[parts[i] * rounds + done] += seconds[i];
            }
        }
        done++;
    }
    for (int part = 0; part < part_count; part++) {
        measured[part] = measure_summary(sums + part * rounds, done);
    }
out:
    free(seconds);
    free(sums);
    return status;
}
