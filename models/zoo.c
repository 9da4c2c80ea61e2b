#include "models/zoo.h"

#define ENTRY(name) &architecture_##name,
#define NAME(name) #name,

const struct architecture *const architectures[] = {ZOO_ARCHITECTURES(ENTRY) NULL};
const char *const architecture_choices[] = {"none", ZOO_ARCHITECTURES(NAME) NULL};
