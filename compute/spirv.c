#include "compute/spirv.h"

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
