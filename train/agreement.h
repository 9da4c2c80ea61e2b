/* What all ranks must have in common before the first step. */
#ifndef TRAIN_AGREEMENT_H
#define TRAIN_AGREEMENT_H

#include "train/session.h"

/* STATUS_BAD_INPUT with the rank and the field that differ: version, any key of the config, data, network. */
enum status agree_on_session(struct session *session, const struct config *config) MUST_CHECK;
/* Compares the parameters: they must be the same bits everywhere after `step` steps. */
enum status agree_on_parameters(struct session *session, int64_t step) MUST_CHECK;

#endif
