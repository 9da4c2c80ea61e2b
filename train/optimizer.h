/*
 * The optimiser between options and kernels: which parameters belong to which group of hyperparameters, the update
 * phase over this rank's ranges, and the scalars of a step.
 */
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "compute/kernels/update.h"
#include "train/session.h"

/* The rule of the options' type. */
enum update_rule optimizer_rule(const struct optimizer_options *options);

/*
 * Reads the [group NAME] sections, assigns every block of PARAMETER_ALIGNMENT floats of the flat buffer to a group, and
 * adds the table to the program's constants. Call before the engine is loaded. Problems are collected in `config`.
 */
enum status optimizer_prepare(struct session *session, struct config *config) MUST_CHECK;
/* Adds the update phase over the ranges that this rank owns. */
enum status optimizer_add_phase(struct session *session) MUST_CHECK;

/* Writes the scalars of the step behind `step` done ones, for the training phases and the update. */
void optimizer_write_step(struct session *session, int64_t step, double learning_rate, float loss_scale);
/* Then, when the norm is known: what every gradient is multiplied with. Returns the factor. */
float optimizer_clip(struct session *session, double squared_norm);

#endif
