/* An engine without a device: it checks a program as every engine does, yields its events, and runs nothing. */
#ifndef COMPUTE_NULL_NULL_H
#define COMPUTE_NULL_NULL_H

#include "compute/engine.h"

enum status null_create(const struct engine_params *params, struct engine **engine) MUST_CHECK;

#endif
