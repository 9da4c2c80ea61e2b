/* Writing a network down in C: one call a layer, the options as in a [layer NAME] section, on one line. */
#ifndef MODELS_NETWORK_H
#define MODELS_NETWORK_H

#include "compute/graph/layer.h"

struct network {
    struct graph *graph;
    char scope[64];  /* put before the names of layers: "layer1.0."; "" at first */
    int64_t outputs; /* what a head must give: the classes of a label, or the channels of a target */
};

/*
 * Adds a layer named scope + name, with default options, that reads *value; *value becomes what it makes.
 * STATUS_BAD_INPUT where shapes do not fit.
 */
enum status network_add(struct network *network, int *value, const char *type, const char *name) MUST_CHECK;
/* The same with options: a format for text as layer_options_create() reads it, "channels = %d, kernel = 3". */
enum status network_add_with(struct network *network, int *value, const char *type, const char *name,
                             const char *options, ...) MUST_CHECK PRINTF_LIKE(5, 6);
/* The same for a layer of two inputs, *value and `other`. */
enum status network_join(struct network *network, int *value, int other, const char *type, const char *name) MUST_CHECK;

/* Sets the scope by a format. */
enum status network_scope(struct network *network, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);
/* The shape of a value. */
struct shape network_shape(const struct network *network, int value);

#endif
