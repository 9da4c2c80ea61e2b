#include "compute/spirv.h"

enum status spirv_check(const char *name, const uint32_t *code, size_t word_count)
{
    if (word_count < SPIRV_HEADER_WORDS || code[0] != SPIRV_MAGIC) {
        return fail(STATUS_FAILED, "kernel %s: the code is not SPIR-V", name);
    }
    for (size_t at = SPIRV_HEADER_WORDS; at < word_count; at += spirv_length(code + at)) {
        uint32_t length = spirv_length(code + at);
        if (length == 0 || length > word_count - at) {
            return fail(STATUS_FAILED, "kernel %s: the SPIR-V is cut off", name);
        }
    }
    return STATUS_OK;
}

static bool compare(uint32_t instruction, uint32_t left, uint32_t right, uint32_t *result)
{
    int32_t signed_left = (int32_t)left;
    int32_t signed_right = (int32_t)right;
    switch (instruction) {
    case SPIRV_LOGICAL_EQUAL:
    case SPIRV_INTEGER_EQUAL:
        *result = left == right;
        return true;
    case SPIRV_LOGICAL_NOT_EQUAL:
    case SPIRV_INTEGER_NOT_EQUAL:
        *result = left != right;
        return true;
    case SPIRV_UNSIGNED_GREATER:
        *result = left > right;
        return true;
    case SPIRV_SIGNED_GREATER:
        *result = signed_left > signed_right;
        return true;
    case SPIRV_UNSIGNED_GREATER_EQUAL:
        *result = left >= right;
        return true;
    case SPIRV_SIGNED_GREATER_EQUAL:
        *result = signed_left >= signed_right;
        return true;
    case SPIRV_UNSIGNED_LESS:
        *result = left < right;
        return true;
    case SPIRV_SIGNED_LESS:
        *result = signed_left < signed_right;
        return true;
    case SPIRV_UNSIGNED_LESS_EQUAL:
        *result = left <= right;
        return true;
    case SPIRV_SIGNED_LESS_EQUAL:
        *result = signed_left <= signed_right;
        return true;
    default:
        return false;
    }
}

bool spirv_compute(uint32_t instruction, uint32_t left, uint32_t right, uint32_t *result)
{
    switch (instruction) {
    case SPIRV_INTEGER_ADD:
        *result = left + right;
        return true;
    case SPIRV_INTEGER_SUBTRACT:
        *result = left - right;
        return true;
    case SPIRV_INTEGER_MULTIPLY:
        *result = left * right;
        return true;
    case SPIRV_UNSIGNED_DIVIDE:
        *result = right == 0 ? 0 : left / right;
        return true;
    case SPIRV_SIGNED_DIVIDE:
        if (right == 0 || (left == 1U << 31 && right == UINT32_MAX)) {
            *result = 0; /* undefined there */
        } else {
            *result = (uint32_t)((int32_t)left / (int32_t)right);
        }
        return true;
    case SPIRV_UNSIGNED_REMAINDER:
        *result = right == 0 ? 0 : left % right;
        return true;
    case SPIRV_BITWISE_OR:
        *result = left | right;
        return true;
    case SPIRV_BITWISE_AND:
        *result = left & right;
        return true;
    case SPIRV_NOT:
        *result = ~left;
        return true;
    case SPIRV_SHIFT_RIGHT_LOGICAL:
        *result = left >> (right & 31);
        return true;
    case SPIRV_SHIFT_LEFT_LOGICAL:
        *result = left << (right & 31);
        return true;
    case SPIRV_LOGICAL_OR:
        *result = left | right;
        return true;
    case SPIRV_LOGICAL_AND:
        *result = left & right;
        return true;
    case SPIRV_LOGICAL_NOT:
        *result = !left;
        return true;
    default:
        return compare(instruction, left, right, result);
    }
}

bool spirv_is_terminator(uint32_t instruction)
{
    return instruction >= SPIRV_BRANCH && instruction <= SPIRV_UNREACHABLE;
}

bool spirv_has_result(const uint32_t *words)
{
    switch (spirv_instruction(words)) {
    case SPIRV_LINE:
    case SPIRV_NO_LINE:
    case SPIRV_STORE:
    case SPIRV_COPY_MEMORY:
    case SPIRV_COPY_MEMORY_SIZED:
    case SPIRV_IMAGE_WRITE:
    case SPIRV_CONTROL_BARRIER:
    case SPIRV_MEMORY_BARRIER:
    case SPIRV_ATOMIC_STORE:
    case SPIRV_ATOMIC_FLAG_CLEAR:
    case SPIRV_COOPERATIVE_MATRIX_STORE:
    case SPIRV_LOOP_MERGE:
    case SPIRV_SELECTION_MERGE:
    case SPIRV_LABEL:
        return false;
    default:
        return spirv_length(words) > 2 && !spirv_is_terminator(spirv_instruction(words));
    }
}

uint32_t spirv_target_count(const uint32_t *terminator)
{
    switch (spirv_instruction(terminator)) {
    case SPIRV_BRANCH:
        return 1;
    case SPIRV_BRANCH_CONDITIONAL:
        return 2;
    case SPIRV_SWITCH:
        return 1 + (spirv_length(terminator) - 3) / 2;
    default:
        return 0;
    }
}

uint32_t spirv_target(const uint32_t *terminator, uint32_t index)
{
    switch (spirv_instruction(terminator)) {
    case SPIRV_BRANCH:
        return terminator[1];
    case SPIRV_BRANCH_CONDITIONAL:
        return terminator[2 + index];
    default: /* OpSwitch: the default's, then pairs of literal and label */
        return terminator[index == 0 ? 2 : 2 + 2 * index];
    }
}

uint32_t spirv_chosen_target(const uint32_t *terminator, uint32_t bits)
{
    if (spirv_instruction(terminator) == SPIRV_BRANCH_CONDITIONAL) {
        return spirv_target(terminator, bits != 0 ? 0 : 1);
    }
    for (uint32_t i = 1; i < spirv_target_count(terminator); i++) {
        if (terminator[1 + 2 * i] == bits) {
            return spirv_target(terminator, i);
        }
    }
    return spirv_target(terminator, 0);
}
