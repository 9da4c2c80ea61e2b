/*
 * Does every layer type compute right on this device? Gradients against central differences, one built-in case or more
 * a type; for tests, and for `lemnos selftest` on a user's device.
 */
#ifndef COMPUTE_CHECK_H
#define COMPUTE_CHECK_H

#include "compute/engine.h"

struct check_result {
    const char *type;    /* of the layer */
    const char *options; /* lines "key = value" */
    int elements;        /* of inputs and parameters that were moved */
    double worst;        /* largest difference between gradient and slope, relative; NaN where the case did not run */
    double limit;        /* of `worst` */
    bool passed;
    const char *message; /* what failed, "" where it passed; valid during the report */
};

typedef void check_report(void *context, const struct check_result *result);

/*
 * Checks all types of layers and reports case by case; a type without a case is reported as failed. A failing case is
 * no error of the call: *passed tells whether all passed.
 */
enum status check_layers(const struct engine_params *engine, check_report *report, void *context,
                         bool *passed) MUST_CHECK;

#endif
