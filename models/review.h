/* What to tell users of a network that was read from a config, beside what single layers say of themselves. */
#ifndef MODELS_REVIEW_H
#define MODELS_REVIEW_H

#include "models/model.h"

/* What the sections of layers begin with. */
extern const char layer_prefix[];

/*
 * Appends "; the command line sets ..." with the keys of `layer` (in `section`, NULL: in none), which is not in the
 * graph yet, and of the layers that lead to it, so that a shape that does not fit is not looked for in the file.
 */
enum status blame_overrides(const struct config *config, const struct graph *graph, const char *section,
                            const struct layer_params *layer, struct text *text) MUST_CHECK;

/* A problem for every layer that got its size from the data though its output does not go to a loss. */
enum status check_heads(struct config *config, const struct model *model) MUST_CHECK;

#endif
