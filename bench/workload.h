/*
 * The speed of training as a config says: steps a second, where a step's time goes, and the memory it takes. Two
 * sessions, one after the other: the rate is measured without timestamps, the time of layers with them.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "bench/measure.h"
#include "train/step.h"

struct workload_params {
    struct comm *comm;
    struct config *config; /* the caller's */
    int64_t steps;         /* to measure; 0: as many as take a few seconds */
};

/* One layer and pass on this rank; what belongs to no layer (sums of gradients, the update) has a name of its own. */
struct workload_layer {
    char name[64], type[32];
    enum pass pass;
    char absorber[64]; /* the layer whose kernels do the work, so that nothing is timed here; "": none */
    int dispatches;
    double flops;
    double seconds; /* mean over the steps with timestamps */
};

struct workload_result {
    int ranks;
    int64_t batch; /* global */
    int64_t steps; /* measured */
    char device[256];
    enum device_class device_class;

    struct measured step; /* on rank 0, whose step ends when all ranks' do */

    /* Mean seconds a step on rank 0. */
    double loader;           /* waiting for the batch */
    struct step_times times; /* of which: */
    double exposed;          /* waiting for other ranks */
    double adding;           /* pieces of gradients, partly while the device works */

    /* Of rank 0. */
    int dispatches; /* a step */
    uint64_t regions[REGION_COUNT];
    uint64_t device_memory;
    uint64_t resident; /* bytes: the largest resident set of any rank so far, the device's included on a CPU */

    struct workload_layer *layers;
    int layer_count;
    double device_seconds; /* of all layers together */
};

/* Collective. STATUS_STOPPED where a signal asked to. The result is rank 0's; release it on all ranks. */
enum status workload_run(const struct workload_params *params, struct workload_result *result) MUST_CHECK;
void workload_release(struct workload_result *result);

#endif
