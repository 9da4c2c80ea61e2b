/* Metrics a shard: from the phases' outputs, over all ranks, to totals that do not depend on the number of ranks. */
#ifndef TRAIN_METRIC_ROWS_H
#define TRAIN_METRIC_ROWS_H

#include "train/session.h"

struct metric_totals {
    double loss;    /* weighted sum over the samples, all losses together */
    double weight;  /* sum of weights: samples that count */
    double correct; /* of the first loss: see tape_metrics() */
};

/* Takes the rows of `count` local shards, from `first` on, out of the outputs of a phase that has run. */
void metric_rows_take(struct session *session, int phase, int first, int count);
/* Adds the rows of all shards of all ranks in tree order. Collective. */
enum status metric_rows_sum(struct session *session, struct metric_totals *totals) MUST_CHECK;

#endif
