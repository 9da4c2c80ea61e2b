/* One training step: gradients, their sum over the ranks, the guard, the update. */
#ifndef TRAIN_STEP_H
#define TRAIN_STEP_H

#include "train/session.h"

/* Seconds that this rank spent, one behind the other. */
struct step_times {
    double gradients;  /* forward and backward, with what the host serves meanwhile */
    double sums;       /* then until the sums over the ranks, norm and loss are known */
    double update;     /* of this rank's part of the parameters */
    double parameters; /* until all ranks' parts are here */
};

struct step_result {
    double loss;          /* mean over the global batch */
    double gradient_norm; /* before clipping, without frozen parameters */
    struct step_times times;
    int64_t not_finite; /* an element of the flat buffer whose gradient is not finite, -1: none */
};

/*
 * Trains on one batch with this learning rate. Where the loss or a gradient is not finite the parameters stay as they
 * are and STATUS_NOT_FINITE comes back, on all ranks alike; `result` says what was found.
 */
enum status step_train(struct session *session, const struct batch *batch, int64_t step, double learning_rate,
                       struct step_result *result) MUST_CHECK;

/* Makes the parameters that the host wrote, or gathered from all ranks, visible to the device. */
enum status step_push_parameters(struct session *session) MUST_CHECK;

#endif
