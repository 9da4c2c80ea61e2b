/*
 * lemnos bench --tune: the fields of struct tuning one after another, each at all its candidates, on a few layers that
 * the field matters for; a candidate is taken where it wins by more than the noise and gives the same bits.
 */
#ifndef BENCH_TUNE_H
#define BENCH_TUNE_H

#include "compute/engine.h"

struct tune_params {
    struct engine_params engine; /* `tuning` is set by the call */
    int rounds;                  /* of every layer with every candidate; fewer where that takes long */
    bool tiny;                   /* a few samples a layer, no more than shows that all of them run */
};

struct tune_candidate {
    int64_t value;
    double seconds; /* the best round of each layer, added up */
    bool same_bits; /* as the default gives; else it is not taken */
};

/* One field, measured. */
struct tune_field {
    int field; /* of tuning_fields */
    struct tune_candidate candidates[TUNING_MAX_CANDIDATES];
    int candidate_count;
    int chosen; /* candidate */
};

struct tune_report {
    void (*begin)(void *context, const struct device_info *device, enum device_class device_class);
    void (*add)(void *context, const struct tune_field *field);
    void *context;
};

/* *tuning gets what was chosen, for the device and class that were reported. Nothing is written. */
enum status bench_tune(const struct tune_params *params, const struct tune_report *report,
                       struct tuning *tuning) MUST_CHECK;

#endif
