#include "data/source.h"

#define TYPE(name) &dataset_##name,
#define NAME(name) #name,

const struct dataset_type *const dataset_types[] = {DATASET_SOURCES(TYPE) NULL};
const char *const dataset_names[] = {DATASET_SOURCES(NAME) NULL};
