#include "bench/parts.h"

#include <stdlib.h>

#include "base/memory.h"

enum { PART_FORWARD, PART_DATA, PART_WEIGHTS };
static const char *const part_names[BENCH_MAX_PARTS] = {"forward", "to data", "to weights"};

/* What has happened to a tensor in one part so far. */
struct use {
    uint64_t read_size, write_size; /* bytes of different bindings */
    bool read_first;                /* before anything of the part wrote it */
};

static bool reads(const struct binding *binding)
{
    return (binding->access & ACCESS_READ) != 0;
}

static bool writes(const struct binding *binding)
{
    return (binding->access & ACCESS_WRITE) != 0;
}

/* From the last step up: what writes the gradient of the data, and what writes for such a step. */
static void find_parts(const struct tape *tape, bool *needed, int *parts)
{
    for (int i = tape->step_count - 1; i >= 0; i--) {
        const struct tape_step *step = &tape->steps[i];
        parts[i] = PART_FORWARD;
        if (step->kind != STEP_DISPATCH) {
            parts[i] = -1;
            continue;
        }
        if (step->pass == PASS_FORWARD) {
            continue;
        }
        parts[i] = PART_WEIGHTS;
        for (int j = 0; j < step->dispatch.binding_count; j++) {
            const struct binding *binding = &step->dispatch.bindings[j];
            if (writes(binding) &&
                (needed[binding->tensor] || tape->tensors[binding->tensor].region == REGION_OUTPUT)) {
                parts[i] = PART_DATA;
            }
        }
        for (int j = 0; parts[i] == PART_DATA && j < step->dispatch.binding_count; j++) {
            const struct binding *binding = &step->dispatch.bindings[j];
            if (reads(binding) && tape->tensors[binding->tensor].region == REGION_ARENA) {
                needed[binding->tensor] = true;
            }
        }
    }
}

static bool used_elsewhere(const struct tape *tape, const int *parts, int part, int tensor)
{
    for (int i = 0; i < tape->step_count; i++) {
        for (int j = 0; parts[i] >= 0 && parts[i] != part && j < tape->steps[i].dispatch.binding_count; j++) {
            if (tape->steps[i].dispatch.bindings[j].tensor == tensor) {
                return true;
            }
        }
    }
    return false;
}

/* Whether an earlier binding of the part touches the same bytes in the same way. */
static bool seen_before(const struct tape *tape, const int *parts, int step, int index)
{
    const struct binding *binding = &tape->steps[step].dispatch.bindings[index];
    for (int i = 0; i <= step; i++) {
        const struct dispatch *dispatch = &tape->steps[i].dispatch;
        int end = i == step ? index : dispatch->binding_count;
        for (int j = 0; parts[i] == parts[step] && j < end; j++) {
            const struct binding *other = &dispatch->bindings[j];
            if (other->tensor == binding->tensor && other->offset == binding->offset && other->size == binding->size &&
                other->access == binding->access) {
                return true;
            }
        }
    }
    return false;
}

static void note_uses(const struct tape *tape, const int *parts, int part, struct use *uses)
{
    for (int i = 0; i < tape->step_count; i++) {
        for (int j = 0; parts[i] == part && j < tape->steps[i].dispatch.binding_count; j++) {
            const struct binding *binding = &tape->steps[i].dispatch.bindings[j];
            struct use *use = &uses[binding->tensor];
            if (seen_before(tape, parts, i, j)) {
                continue;
            }
            if (reads(binding)) {
                use->read_first = use->read_first || use->write_size == 0;
                use->read_size += binding->size;
            }
            if (writes(binding)) {
                use->write_size += binding->size;
            }
        }
    }
}

/* What comes from elsewhere or goes elsewhere; what the part keeps to itself is its own affair. */
static double count_bytes(const struct tape *tape, const int *parts, int part, struct use *uses)
{
    double bytes = 0;
    note_uses(tape, parts, part, uses);
    for (int i = 0; i < tape->tensor_count; i++) {
        if (uses[i].read_first) {
            bytes += (double)uses[i].read_size;
        }
        if (tape->tensors[i].region != REGION_ARENA || used_elsewhere(tape, parts, part, i)) {
            bytes += (double)uses[i].write_size;
        }
        uses[i] = (struct use){0};
    }
    return bytes;
}

/* Numbers the parts that have a dispatch, without gaps. */
static void make_parts(const struct tape *tape, int *parts, struct use *uses, struct bench_result *result)
{
    int numbers[BENCH_MAX_PARTS];
    for (int part = 0; part < BENCH_MAX_PARTS; part++) {
        struct bench_part made = {.name = part_names[part]};
        for (int i = 0; i < tape->step_count; i++) {
            if (parts[i] == part) {
                made.dispatches++;
                made.flops += tape->steps[i].dispatch.flops;
            }
        }
        if (made.dispatches > 0) {
            made.bytes = count_bytes(tape, parts, part, uses);
            numbers[part] = result->part_count;
            result->parts[result->part_count++] = made;
        }
    }
    for (int i = 0; i < tape->step_count; i++) {
        parts[i] = parts[i] >= 0 ? numbers[parts[i]] : -1;
    }
}

enum status parts_find(const struct tape *tape, int *parts, struct bench_result *result)
{
    bool *needed = NULL;
    struct use *uses = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)tape->tensor_count, sizeof *needed, &needed));
    TRY_OUT(memory_allocate((size_t)tape->tensor_count, sizeof *uses, &uses));
    find_parts(tape, needed, parts);
    make_parts(tape, parts, uses, result);
out:
    free(needed);
    free(uses);
    return status;
}
