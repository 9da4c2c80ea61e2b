/* A whole training run: steps, evaluations, checkpoints, from the start or from a checkpoint on. */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "cluster/comm.h"
#include "configs/config.h"

struct trainer_params {
    struct comm *comm;
    struct config *config;
    const char *resume; /* NULL: from the start; "auto": the newest checkpoint of the run that verifies; else a path */
};

/*
 * Trains to the end. STATUS_STOPPED after a signal, with everything saved; STATUS_NOT_FINITE where training diverged,
 * the message saying how the loss grew and with which learning rate.
 */
enum status trainer_run(const struct trainer_params *params) MUST_CHECK;

#endif
