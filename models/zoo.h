/*
 * The zoo: networks that are known by name, for [model] architecture = NAME. A new one is a function that adds layers
 * (models/network.h), its struct architecture, and one line here.
 */
#ifndef MODELS_ZOO_H
#define MODELS_ZOO_H

#include "models/network.h"

struct architecture {
    const char *name;
    const char *help;             /* one line */
    const struct option *options; /* keys of [model] beside the common ones */
    size_t options_size;
    const void *variant; /* the file's own: what tells its architectures apart */
    /* Adds the layers. *value is what the first one reads, and becomes what the last one makes. */
    enum status (*build)(const struct architecture *architecture, const void *options, struct network *network,
                         int *value);
};

#define ZOO_ARCHITECTURES(ARCHITECTURE)                                                                                \
    ARCHITECTURE(resnet18)                                                                                             \
    ARCHITECTURE(resnet34)                                                                                             \
    ARCHITECTURE(resnet50)

#define ZOO_DECLARE(name) extern const struct architecture architecture_##name;
ZOO_ARCHITECTURES(ZOO_DECLARE)
#undef ZOO_DECLARE

/* All of them, NULL-terminated, for help. */
extern const struct architecture *const architectures[];
/* For an option table: "none", then their names in the same order, NULL-terminated. */
extern const char *const architecture_choices[];

#endif
