/*
 * metrics.jsonl: one JSON object a line, one line a logged step or evaluation. Losses have nine digits, enough to tell
 * any two floats apart. Every line is written whole at once; a resume cuts the file back to its checkpoint's step.
 */
#ifndef TRAIN_JOURNAL_H
#define TRAIN_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct journal;

/* Opens PATH for appending, after dropping every line whose step lies beyond `step` (all lines, for step < 0). */
enum status journal_create(const char *path, int64_t step, struct journal **journal) MUST_CHECK;
void journal_destroy(struct journal *journal);

struct journal_step {
    int64_t step, epoch; /* steps done; the epoch of the last one, from 1 */
    double loss, learning_rate, gradient_norm, samples_per_second;
};
enum status journal_write_step(struct journal *journal, const struct journal_step *entry) MUST_CHECK;

struct journal_evaluation {
    int64_t step, epoch;
    double loss;
    bool classifies;
    double accuracy;
    bool regresses;
    double mae, rmse, r2;
};
enum status journal_write_evaluation(struct journal *journal, const struct journal_evaluation *entry) MUST_CHECK;

/* What was written survives a power cut. */
enum status journal_sync(struct journal *journal) MUST_CHECK;

#endif
