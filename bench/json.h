/* cJSON gives NULL where memory is missing; an object that would lack something is not printed. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <stdio.h>

#include <cjson/cJSON.h>

#include "base/status.h"

/* Adds a number rounded to six significant digits: what is measured has no more. */
void json_measured(cJSON *object, const char *name, double value);
/* Prints the object and a line's end. */
enum status json_print(const cJSON *object, FILE *file) MUST_CHECK;

#endif
