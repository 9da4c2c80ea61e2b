/* What lower.c and program.c do to a tape and layers do not. */
#ifndef COMPUTE_GRAPH_TAPE_PRIVATE_H
#define COMPUTE_GRAPH_TAPE_PRIVATE_H

#include "compute/graph/tape.h"

/* One consumer's gradient of a value. */
struct contribution {
    int value;
    int tensor;
};

enum status tape_add_tensor(struct tape *tape, const char *name, enum region region, uint64_t offset, uint64_t size,
                            int *tensor) MUST_CHECK;
/* A tensor behind what the tape already has in that region. */
enum status tape_add_placed(struct tape *tape, const char *name, enum region region, uint64_t size,
                            int *tensor) MUST_CHECK;
/* Tensors over the regions that are bound by offset, whose sizes the tape does not know. */
enum status tape_add_regions(struct tape *tape) MUST_CHECK;

#endif
