/*
 * Batches, prepared ahead by one thread. What batch `step` holds is a pure function of (seed, step): epoch e of the
 * train split is a permutation drawn from (seed, e), cut into floor(count / batch) batches, the rest of that epoch
 * dropped; evaluation goes through a split in order, and the last batch is filled up with samples of weight 0.
 */
#ifndef DATA_LOADER_H
#define DATA_LOADER_H

#include "data/dataset.h"

struct loader;

struct loader_params {
    const struct dataset *dataset;
    enum split split;
    bool train; /* shuffled and endless; else in order, once, filled up */
    uint64_t seed;
    int64_t batch; /* global; a training split that is smaller is refused */
    int64_t first; /* this rank's samples of every batch: first .. first + count - 1 */
    int64_t count;
    int64_t start; /* the first batch to hand out, counted from the run's start */
};

/* This rank's part of one batch; valid until the next loader_next() or loader_restart(). */
struct batch {
    int64_t step; /* counted from the run's start (train) or the split's start */
    int64_t epoch;
    void *fields[DATASET_MAX_FIELDS]; /* `count` samples each */
    const float *weights;             /* `count`: 1, or 0 for a sample that only fills up */
    const int64_t *indices;           /* `count`: of the sample in the split, -1 for one that fills up */
    int64_t valid;                    /* samples of weight 1 in the whole global batch */
};

/* Allocates all that the loader will ever need and begins to fill. `dataset` must outlive the loader. */
enum status loader_create(const struct loader_params *params, struct loader **loader) MUST_CHECK;
void loader_destroy(struct loader *loader);

/* Batches of one epoch (train: rounded down; else up). */
int64_t loader_steps(const struct loader *loader);
/*
 * Waits for the next batch. *batch is NULL behind the last one of an evaluation. A failure to read comes out here,
 * behind the batches that were whole, and again at every later call until a restart.
 */
enum status loader_next(struct loader *loader, const struct batch **batch) MUST_CHECK;
/* Begins again: an evaluation at its first batch, training at batch `start`. */
enum status loader_restart(struct loader *loader, int64_t start) MUST_CHECK;

#endif
