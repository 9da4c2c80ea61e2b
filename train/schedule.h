/* The learning rate as a pure function of the step. */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include "train/options.h"

/*
 * The rate for the step behind `step` done ones, of `total`: `base` times the schedule. Warm-up: base * (step + 1) /
 * warmup over the first `warmup` steps. Cosine: from base to minimum over the steps behind the warm-up (Loshchilov and
 * Hutter, "SGDR", 2017, without restarts). Step: base * gamma^floor(steps behind the warm-up / every).
 */
double schedule_rate(const struct schedule_options *schedule, double base, int64_t step, int64_t total);

#endif
