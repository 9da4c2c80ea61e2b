#include "compute/spirv_values.h"

#include <stdlib.h>

#include "base/memory.h"
#include "compute/spirv.h"

enum { NO_SPEC_ID = UINT32_MAX };

enum status spirv_values_create(struct spirv_values *values, uint32_t bound)
{
    values->bound = bound;
    TRY(memory_allocate(bound, sizeof *values->values, &values->values));
    TRY(memory_allocate(bound, sizeof *values->spec_ids, &values->spec_ids));
    for (uint32_t id = 0; id < bound; id++) {
        values->spec_ids[id] = NO_SPEC_ID;
    }
    return STATUS_OK;
}

void spirv_values_release(struct spirv_values *values)
{
    free(values->values);
    free(values->spec_ids);
}

bool spirv_values_find(const struct spirv_values *values, uint32_t id, uint32_t *bits)
{
    if (id >= values->bound) {
        return false;
    }
    *bits = values->values[id].bits;
    return values->values[id].known;
}

void spirv_values_set(struct spirv_values *values, uint32_t id, uint32_t bits)
{
    values->values[id] = (struct spirv_value){.known = true, .bits = bits};
}

void spirv_values_forget(struct spirv_values *values, uint32_t id)
{
    values->values[id].known = false;
}

void spirv_values_compute(struct spirv_values *values, uint32_t result, uint32_t instruction, const uint32_t *operands,
                          uint32_t count)
{
    uint32_t left, right = 0, bits;
    bool left_known = spirv_values_find(values, operands[0], &left);
    if (count == 3) {
        if (instruction == SPIRV_SELECT && left_known && spirv_values_find(values, operands[left ? 1 : 2], &bits)) {
            spirv_values_set(values, result, bits);
        }
        return;
    }
    bool right_known = count < 2 || spirv_values_find(values, operands[1], &right);
    /* One operand is enough where it decides. */
    if (instruction == SPIRV_LOGICAL_AND && ((left_known && left == 0) || (right_known && right == 0))) {
        spirv_values_set(values, result, 0);
    } else if (instruction == SPIRV_LOGICAL_OR && ((left_known && left != 0) || (right_known && right != 0))) {
        spirv_values_set(values, result, 1);
    } else if (left_known && right_known && spirv_compute(instruction, left, right, &bits)) {
        spirv_values_set(values, result, bits);
    }
}

void spirv_values_declare(struct spirv_values *values, const uint32_t *words, const uint32_t *constants, int count)
{
    uint32_t length = spirv_length(words);
    uint32_t instruction = spirv_instruction(words);
    uint32_t spec_id;
    switch (instruction) {
    case SPIRV_DECORATE: /* decorations come before what they decorate */
        if (words[2] == SPIRV_SPEC_ID) {
            values->spec_ids[words[1]] = words[3];
        }
        break;
    case SPIRV_CONSTANT_TRUE:
    case SPIRV_CONSTANT_FALSE:
        spirv_values_set(values, words[2], instruction == SPIRV_CONSTANT_TRUE);
        break;
    case SPIRV_CONSTANT:
        if (length == 4) { /* not of 64 bits */
            spirv_values_set(values, words[2], words[3]);
        }
        break;
    case SPIRV_SPEC_CONSTANT_TRUE:
    case SPIRV_SPEC_CONSTANT_FALSE:
    case SPIRV_SPEC_CONSTANT:
        spec_id = values->spec_ids[words[2]];
        if (spec_id < (uint32_t)count) {
            uint32_t bits = constants[spec_id];
            spirv_values_set(values, words[2], instruction == SPIRV_SPEC_CONSTANT ? bits : bits != 0);
        }
        break;
    case SPIRV_SPEC_CONSTANT_OPERATION:
        if (length >= 5 && length <= 7) {
            spirv_values_compute(values, words[2], words[3], words + 4, length - 4);
        }
        break;
    default:
        break;
    }
}
