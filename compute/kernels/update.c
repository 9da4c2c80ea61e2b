#include "compute/kernels/update.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/program.h"
#include "shaders/update.h"

enum { WORKGROUP_FLOATS = UPDATE_INVOCATIONS * UPDATE_FOURS * 4, MAX_SLOTS = 2 };
/* Floats a dispatch: 64 MiB a binding, well within what every device accepts. */
enum { DISPATCH_FLOATS = 1 << 24 };

_Static_assert((int)WORKGROUP_FLOATS == (int)PROGRAM_BLOCK, "a workgroup updates one block");
_Static_assert(DISPATCH_FLOATS / WORKGROUP_FLOATS <= DISPATCH_MAX_GROUPS, "no workgroup is behind the last float");
_Static_assert(UPDATE_GROUP_FOURS * 4 == UPDATE_GROUP_FLOATS && (int)UPDATE_GROUP_FLOATS == (int)PARAMETER_ALIGNMENT,
               "an entry of the table belongs to one parameter");

static const struct rule {
    const char *kernel;
    const char *slots[MAX_SLOTS + 1];
    bool decoupled;
    double flops; /* an element */
} rules[UPDATE_RULE_COUNT] = {
    [UPDATE_SGD] = {.kernel = "update_sgd", .slots = {"momentum"}, .flops = 7},
    [UPDATE_ADAM] = {.kernel = "update_adam", .slots = {"exp_avg", "exp_avg_sq"}, .flops = 15},
    [UPDATE_ADAMW] = {.kernel = "update_adam", .slots = {"exp_avg", "exp_avg_sq"}, .decoupled = true, .flops = 14},
};

const char *const *update_slots(enum update_rule rule)
{
    return rules[rule].slots;
}

int update_slot_count(enum update_rule rule)
{
    int count = 0;
    while (rules[rule].slots[count] != NULL) {
        count++;
    }
    return count;
}

static struct binding bind_range(const struct tape *tape, enum region region, int64_t offset, int64_t count,
                                 enum access access)
{
    return (struct binding){.tensor = tape->region_tensors[region],
                            .access = access,
                            .offset = (uint64_t)offset * sizeof(float),
                            .size = (uint64_t)count * sizeof(float)};
}

static enum status emit_range(struct tape *tape, const struct update_params *params, int64_t offset, int64_t count)
{
    const struct rule *rule = &rules[params->rule];
    struct update_push push = {.first_entry = (uint)(offset / UPDATE_GROUP_FLOATS)};
    struct dispatch dispatch = {.kernel = rule->kernel,
                                .constants = {rule->decoupled},
                                .constant_count = params->rule == UPDATE_SGD ? 0 : 1,
                                .flops = rule->flops * (double)count};
    struct binding *binding = dispatch.bindings;
    /* From the table's start: a range's own part of it need not lie where a binding may begin. */
    *binding++ = (struct binding){.tensor = tape->region_tensors[REGION_CONSTANTS],
                                  .access = ACCESS_READ,
                                  .offset = params->group_table,
                                  .size = (uint64_t)((offset + count) / UPDATE_GROUP_FLOATS) * sizeof(uint32_t)};
    *binding++ = tape_step_scalars(tape);
    *binding++ = bind_range(tape, REGION_GRADIENTS, offset, count, ACCESS_READ);
    *binding++ = bind_range(tape, REGION_PARAMETERS, offset, count, ACCESS_READ);
    *binding++ = bind_range(tape, REGION_PARAMETERS, offset, count, ACCESS_WRITE);
    for (int slot = 0; slot < update_slot_count(params->rule); slot++) {
        int64_t start = slot * tape->flat_count + offset;
        *binding++ = bind_range(tape, REGION_OPTIMIZER, start, count, ACCESS_READ);
        *binding++ = bind_range(tape, REGION_OPTIMIZER, start, count, ACCESS_WRITE);
    }
    dispatch.binding_count = (int)(binding - dispatch.bindings);
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, (uint64_t)(count / WORKGROUP_FLOATS));
    return tape_dispatch(tape, &dispatch);
}

enum status update_emit(struct tape *tape, const struct update_params *params)
{
    assert(params->offset % PROGRAM_BLOCK == 0 && params->count % PROGRAM_BLOCK == 0);
    assert(params->offset + params->count <= tape->flat_count);
    tape->pass = PASS_UPDATE;
    for (int64_t done = 0; done < params->count; done += DISPATCH_FLOATS) {
        int64_t left = params->count - done;
        TRY(emit_range(tape, params, params->offset + done, left < DISPATCH_FLOATS ? left : DISPATCH_FLOATS));
    }
    return STATUS_OK;
}
