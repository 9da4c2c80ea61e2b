/*
 * From graph to tape: forwards in order, then (training) backwards in reverse; where a value has several consumers, the
 * sum of their gradients is inserted.
 */
#ifndef COMPUTE_GRAPH_LOWER_H
#define COMPUTE_GRAPH_LOWER_H

#include "compute/graph/tape.h"

struct lower_params {
    const struct graph *graph;
    enum tape_mode mode;
    enum device_class device_class;
    const struct tuning *tuning; /* must outlive the tape; NULL: the class's default */
    int lanes;                   /* class cpu: invocations of a subgroup, 8 or 16; 0: 8 */
    struct geometry geometry;
    int64_t flat_count;
    const int *observed; /* values that the host reads after the phase: they lie in REGION_OUTPUT */
    int observed_count;
    /* For layer checks: values whose gradient the host gives (an input tensor), and whose gradient it reads. */
    const int *seeded;
    int seeded_count;
    const int *observed_gradients;
    int observed_gradient_count;
    bool unfused; /* every layer has its own dispatches; for checks */
};

/* Whether `value` is one of such a list of values. */
static inline bool lower_lists(const int *values, int count, int value)
{
    for (int i = 0; i < count; i++) {
        if (values[i] == value) {
            return true;
        }
    }
    return false;
}

/* The tape's tensor of a graph input, of an observed value, of a seeded or of an observed gradient. */
int lower_value_tensor(const struct tape *tape, int value);
int lower_gradient_tensor(const struct tape *tape, int value);

enum status lower(const struct lower_params *params, struct tape *tape) MUST_CHECK;

/* An empty tape over the regions that are bound by offset, for phases made by hand: an update of the parameters. */
enum status tape_init(struct tape *tape, const struct graph *graph, enum device_class device_class,
                      int64_t flat_count) MUST_CHECK;

#endif
