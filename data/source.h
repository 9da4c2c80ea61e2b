/* The sources of this program. A new one is a file with its struct dataset_type and one line here. */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "data/dataset.h"

#define DATASET_SOURCES(SOURCE)                                                                                        \
    SOURCE(digits)                                                                                                     \
    SOURCE(idx)                                                                                                        \
    SOURCE(cifar10)                                                                                                    \
    SOURCE(csv)                                                                                                        \
    SOURCE(line)                                                                                                       \
    SOURCE(synthetic)

#define DATASET_DECLARE(name) extern const struct dataset_type dataset_##name;
DATASET_SOURCES(DATASET_DECLARE)
#undef DATASET_DECLARE

/* Their names in the same order, NULL-terminated. */
extern const char *const dataset_names[];

#endif
