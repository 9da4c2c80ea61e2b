/*
 * Cooperative matrices, only where a device computes them right: drivers have listed what they get wrong, and nobody
 * would find out from a loss that falls a little slower.
 */
#ifndef COMPUTE_MATRIX_PROBE_H
#define COMPUTE_MATRIX_PROBE_H

#include "compute/engine.h"

/*
 * engine_create(); where the engine is of class gpu with cooperative matrix, some products are compared with the
 * host's before. STATUS_FAILED where these differ by more than rounding.
 */
enum status matrix_probe_create(const struct engine_params *params, struct engine **engine) MUST_CHECK;

/*
 * Runs the probe on the device that `params` chooses, in its class; *error: the largest difference from the host's
 * result, as a share of the products' absolute sum. Of any class, for tests.
 */
enum status matrix_probe_measure(const struct engine_params *params, double *error) MUST_CHECK;

#endif
