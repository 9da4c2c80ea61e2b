/* What of a network takes a device's memory, for the message that it does not fit. */
#ifndef TRAIN_FOOTPRINT_H
#define TRAIN_FOOTPRINT_H

#include "train/session.h"

/*
 * Appends to the recorded message which layers take most, and which keys to lower. For a failure behind the making of
 * the phases; returns `status`.
 */
enum status footprint_explain(const struct session *session, const struct config *config, enum status status);

#endif
