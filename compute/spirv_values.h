/* Which ids of a SPIR-V module have a value that its constants decide: scalars of 32 bits, and bools as 0 or 1. */
#ifndef COMPUTE_SPIRV_VALUES_H
#define COMPUTE_SPIRV_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct spirv_values {
    uint32_t bound;     /* ids are below it */
    uint32_t *spec_ids; /* by id: SpecId of a specialization constant */
    struct spirv_value {
        bool known;
        uint32_t bits;
    } * values; /* by id */
};

enum status spirv_values_create(struct spirv_values *values, uint32_t bound) MUST_CHECK;
void spirv_values_release(struct spirv_values *values);

/* `id` may be a literal: whoever asks does not know all instructions. */
bool spirv_values_find(const struct spirv_values *values, uint32_t id, uint32_t *bits);
void spirv_values_set(struct spirv_values *values, uint32_t id, uint32_t bits);
void spirv_values_forget(struct spirv_values *values, uint32_t id);
/* Sets the result's value where those of the operands, one to three ids, decide it. */
void spirv_values_compute(struct spirv_values *values, uint32_t result, uint32_t instruction, const uint32_t *operands,
                          uint32_t count);
/* One instruction ahead of the functions; `constants`: by SpecId, `count` of them. */
void spirv_values_declare(struct spirv_values *values, const uint32_t *words, const uint32_t *constants, int count);

#endif
