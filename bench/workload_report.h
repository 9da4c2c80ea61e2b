/* What workload_run() found, as tables for people or as one JSON object for programs. */
#ifndef BENCH_WORKLOAD_REPORT_H
#define BENCH_WORKLOAD_REPORT_H

#include <stdio.h>

#include "bench/workload.h"

enum status workload_report(const struct workload_result *result, bool json, FILE *file) MUST_CHECK;

#endif
