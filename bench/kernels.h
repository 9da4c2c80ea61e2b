/*
 * The speed of kernels, one layer at a time: forward, backward to the data, backward to the weights; the update of
 * parameters; and what the device can do at best, so that each is a fraction of something.
 */
#ifndef BENCH_KERNELS_H
#define BENCH_KERNELS_H

#include "bench/cases.h"
#include "bench/measure.h"

struct bench_peaks {
    double flops; /* a second: independent multiply-adds in registers, each counted as two */
    double bytes; /* a second: a copy, reads and writes together */
};

enum { BENCH_MAX_PARTS = 3, BENCH_OPTIONS_SIZE = 512 };

struct bench_part {
    const char *name; /* "forward", "to data", "to weights", "update" */
    int dispatches;
    double flops;             /* useful ones */
    double bytes;             /* what the part takes from others and hands to others, each tensor once */
    double seconds_at_peak;   /* the larger of flops and bytes over the device's peaks */
    struct measured measured; /* all dispatches of the part together */
};

struct bench_result {
    const struct bench_case *of;
    int64_t samples;
    char options[BENCH_OPTIONS_SIZE]; /* all of the layer's, as lines "key = value" */
    const char *missing;              /* the layer type or the update that this build lacks; then no part is there */
    struct bench_part parts[BENCH_MAX_PARTS];
    int part_count;
};

struct bench_kernels_params {
    struct engine_params engine; /* `timestamps` is set by the call */
    const char *only;            /* cases whose name contains this text; NULL: all */
    int rounds;
    bool tiny; /* a few samples a case, no more than shows that all of them run */
};

/* Called once ahead of the cases, then once a case. */
struct bench_report {
    void (*begin)(void *context, const struct device_info *device, enum device_class device_class,
                  const struct bench_peaks *peaks);
    void (*add)(void *context, const struct bench_result *result);
    void *context;
};

enum status bench_kernels(const struct bench_kernels_params *params, const struct bench_report *report) MUST_CHECK;

/* bench/peak.c */
enum status bench_measure_peaks(const struct engine_params *engine, int rounds, bool tiny,
                                struct bench_peaks *peaks) MUST_CHECK;
/* bench/update.c: the case's update, whose name its `layer` is. */
enum status bench_measure_update(const struct bench_kernels_params *params, struct bench_result *result) MUST_CHECK;

#endif
