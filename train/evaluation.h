/*
 * Evaluation on a split: every sample counted once, on any number of ranks, with the same result. The last batch is
 * filled up with samples of weight 0.
 */
#ifndef TRAIN_EVALUATION_H
#define TRAIN_EVALUATION_H

#include "train/session.h"

struct evaluation_result {
    double loss; /* mean over the samples */
    int64_t samples;
    bool classifies;  /* the first loss compares with the data's labels: */
    double accuracy;  /* part of the samples whose class was found */
    bool regresses;   /* it compares with the data's target values: */
    double mae, rmse; /* in the user's units, over all values of the target */
    double r2;        /* not a number where the targets do not vary, as a single one cannot */
};

/*
 * What evaluation_run() tells of each sample that counts, in ascending order, on rank 0 alone: `predicted` has the
 * prediction's elements (channels last, padded), `actual` the target's. In the model's units.
 */
typedef enum status sample_visitor(int64_t index, const float *predicted, const void *actual, void *context) MUST_CHECK;

struct evaluation;

enum status evaluation_create(struct session *session, enum split split, struct evaluation **evaluation) MUST_CHECK;
void evaluation_destroy(struct evaluation *evaluation);
/*
 * From now on only batches with one of the samples first .. first + count - 1 are evaluated, whole, and the rest of
 * the split is left out. All ranks must say the same.
 */
void evaluation_limit(struct evaluation *evaluation, int64_t first, int64_t count);
/*
 * Collective. `visitor` may be NULL; all ranks must agree on whether it is. STATUS_STOPPED, on all ranks, where a
 * signal asked to stop in the middle.
 */
enum status evaluation_run(struct evaluation *evaluation, sample_visitor *visitor, void *context,
                           struct evaluation_result *result) MUST_CHECK;

/* Prints the table sample, actual, predicted, error of a regression (up to `limit` samples) and its summary. */
enum status evaluation_print_table(struct evaluation *evaluation, int64_t limit,
                                   struct evaluation_result *result) MUST_CHECK;
/* "0.868485312", or "undefined (one sample)". */
void evaluation_format_r2(const struct evaluation_result *result, int digits, char *buffer, size_t size);
/* "loss 0.0512, accuracy 98.35% of 2000" or "loss ..., MAE ..., RMSE ..., R2 ... over 5". */
void evaluation_format(const struct evaluation_result *result, char *buffer, size_t size);

#endif
