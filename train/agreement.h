/* What all ranks must have in common before the first step. */
#ifndef TRAIN_AGREEMENT_H
#define TRAIN_AGREEMENT_H

#include "train/session.h"

/* STATUS_BAD_INPUT with the rank and the field that differ: version, any key of the config, data, network. */
enum status agree_on_session(struct session *session, const struct config *config) MUST_CHECK;
/*
 * Takes those fields of the tuning from rank 0 that must be the same on all; the others are each rank's own. Only after
 * agree_on_session(), for versions may differ in what a tuning is.
 */
enum status agree_on_tuning(struct session *session) MUST_CHECK;
/* What the ranks begin with: the same checkpoint, in all its arrays, or none. */
enum status agree_on_checkpoint(struct comm *comm, const struct checkpoint *saved) MUST_CHECK;
/* Tells which keys are not as they were when the checkpoint was saved: a resume with the same ones is bit for bit. */
enum status tell_config_changes(const struct config *config, const struct checkpoint *saved) MUST_CHECK;
/* Compares the parameters: they must be the same bits everywhere after `step` steps. */
enum status agree_on_parameters(struct session *session, int64_t step) MUST_CHECK;

#endif
