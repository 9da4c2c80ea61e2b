/*
 * The optimisers' updates: one dispatch over a range of the flat buffer, fused with clipping and with the step of
 * running averages. The rules are those of torch.optim; what changes by step stands in struct step_scalars.
 */
#ifndef COMPUTE_KERNELS_UPDATE_H
#define COMPUTE_KERNELS_UPDATE_H

#include "compute/graph/tape.h"

enum update_rule {
    UPDATE_SGD,   /* with momentum, Nesterov's on request, weight decay in the gradient */
    UPDATE_ADAM,  /* weight decay in the gradient */
    UPDATE_ADAMW, /* weight decay beside it */
    UPDATE_RULE_COUNT
};

/* What the optimiser remembers a parameter, as PyTorch names it: NULL-terminated; the position is the slot's number. */
const char *const *update_slots(enum update_rule rule);
int update_slot_count(enum update_rule rule);

/* Floats of the flat buffer that share an entry in the table of groups; parameters begin at multiples of it. */
enum { UPDATE_GROUP_FLOATS = 64 };

struct update_params {
    enum update_rule rule;
    int64_t offset, count; /* floats of the flat buffer, multiples of PROGRAM_BLOCK */
    /*
     * Bytes in REGION_CONSTANTS of the table of groups: one uint32_t for every UPDATE_GROUP_FLOATS floats of the flat
     * buffer, the index in step_scalars.groups (below STEP_MAX_GROUPS).
     */
    uint64_t group_table;
};

/*
 * Emits the update of the range: parameters and slots move along gradient copy 0 (the sum over all shards). In a group
 * of buffers value = (1 - momentum) * value + momentum * gradient * buffer_scale, and slots stay untouched.
 */
enum status update_emit(struct tape *tape, const struct update_params *params) MUST_CHECK;

#endif
