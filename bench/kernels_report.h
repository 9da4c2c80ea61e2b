/* What bench_kernels() finds, as a table for people or as JSON for programs, on a file. */
#ifndef BENCH_KERNELS_REPORT_H
#define BENCH_KERNELS_REPORT_H

#include <stdio.h>

#include "bench/kernels.h"

struct kernels_report;

/* A table is written line by line as the results come; JSON at the end, as one object. */
enum status kernels_report_create(FILE *file, bool json, int rounds, struct kernels_report **report) MUST_CHECK;
struct bench_report kernels_report_handlers(struct kernels_report *report);
enum status kernels_report_finish(struct kernels_report *report) MUST_CHECK;
void kernels_report_destroy(struct kernels_report *report);

#endif
