/* The little of the SPIR-V specification (1.5) that kernel_reflect(), kernel_specialise() and spirv_tidy() need. */
#ifndef COMPUTE_SPIRV_H
#define COMPUTE_SPIRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { SPIRV_MAGIC = 0x07230203, SPIRV_HEADER_WORDS = 5 };

enum spirv_instruction {
    SPIRV_UNDEFINED = 1,
    SPIRV_NAME = 5,
    SPIRV_MEMBER_NAME = 6,
    SPIRV_LINE = 8,
    SPIRV_EXTENDED = 12,
    SPIRV_EXECUTION_MODE = 16,
    SPIRV_CAPABILITY = 17,
    SPIRV_TYPE_BOOL = 20,
    SPIRV_TYPE_INT = 21,
    SPIRV_TYPE_FLOAT = 22,
    SPIRV_TYPE_VECTOR = 23,
    SPIRV_TYPE_MATRIX = 24,
    SPIRV_TYPE_IMAGE = 25,
    SPIRV_TYPE_ARRAY = 28,
    SPIRV_TYPE_STRUCT = 30,
    SPIRV_TYPE_POINTER = 32,
    SPIRV_CONSTANT_TRUE = 41,
    SPIRV_CONSTANT_FALSE = 42,
    SPIRV_CONSTANT = 43,
    SPIRV_CONSTANT_COMPOSITE = 44,
    SPIRV_CONSTANT_NULL = 46,
    SPIRV_SPEC_CONSTANT_TRUE = 48,
    SPIRV_SPEC_CONSTANT_FALSE = 49,
    SPIRV_SPEC_CONSTANT = 50,
    SPIRV_SPEC_CONSTANT_COMPOSITE = 51,
    SPIRV_SPEC_CONSTANT_OPERATION = 52,
    SPIRV_FUNCTION = 54,
    SPIRV_VARIABLE = 59,
    SPIRV_LOAD = 61,
    SPIRV_STORE = 62,
    SPIRV_COPY_MEMORY = 63,
    SPIRV_COPY_MEMORY_SIZED = 64,
    SPIRV_ACCESS_CHAIN = 65,
    SPIRV_DECORATE = 71,
    SPIRV_MEMBER_DECORATE = 72,
    SPIRV_COMPOSITE_CONSTRUCT = 80,
    SPIRV_COMPOSITE_EXTRACT = 81,
    SPIRV_COMPOSITE_INSERT = 82,
    SPIRV_COPY_OBJECT = 83,
    SPIRV_IMAGE_READ = 98,
    SPIRV_IMAGE_WRITE = 99,
    SPIRV_INTEGER_ADD = 128,
    SPIRV_INTEGER_SUBTRACT = 130,
    SPIRV_INTEGER_MULTIPLY = 132,
    SPIRV_UNSIGNED_DIVIDE = 134,
    SPIRV_SIGNED_DIVIDE = 135,
    SPIRV_UNSIGNED_REMAINDER = 137, /* OpUMod */
    SPIRV_LOGICAL_EQUAL = 164,
    SPIRV_LOGICAL_NOT_EQUAL = 165,
    SPIRV_LOGICAL_OR = 166,
    SPIRV_LOGICAL_AND = 167,
    SPIRV_LOGICAL_NOT = 168,
    SPIRV_SELECT = 169,
    SPIRV_INTEGER_EQUAL = 170,
    SPIRV_INTEGER_NOT_EQUAL = 171,
    SPIRV_UNSIGNED_GREATER = 172,
    SPIRV_SIGNED_GREATER = 173,
    SPIRV_UNSIGNED_GREATER_EQUAL = 174,
    SPIRV_SIGNED_GREATER_EQUAL = 175,
    SPIRV_UNSIGNED_LESS = 176,
    SPIRV_SIGNED_LESS = 177,
    SPIRV_UNSIGNED_LESS_EQUAL = 178,
    SPIRV_SIGNED_LESS_EQUAL = 179,
    SPIRV_SHIFT_RIGHT_LOGICAL = 194,
    SPIRV_SHIFT_LEFT_LOGICAL = 196,
    SPIRV_BITWISE_OR = 197,
    SPIRV_BITWISE_AND = 199,
    SPIRV_NOT = 200,
    SPIRV_CONTROL_BARRIER = 224,
    SPIRV_MEMORY_BARRIER = 225,
    SPIRV_ATOMIC_STORE = 228,
    SPIRV_PHI = 245,
    SPIRV_LOOP_MERGE = 246,
    SPIRV_SELECTION_MERGE = 247,
    SPIRV_LABEL = 248,
    SPIRV_BRANCH = 249,
    SPIRV_BRANCH_CONDITIONAL = 250,
    SPIRV_SWITCH = 251,
    SPIRV_KILL = 252,
    SPIRV_RETURN = 253,
    SPIRV_RETURN_VALUE = 254,
    SPIRV_UNREACHABLE = 255,
    SPIRV_NO_LINE = 317,
    SPIRV_ATOMIC_FLAG_CLEAR = 319,
    SPIRV_SHUFFLE_LANES = 345, /* OpGroupNonUniformShuffle */
    SPIRV_COPY_LOGICAL = 400,
    SPIRV_COOPERATIVE_MATRIX_STORE = 4458,
};

static inline uint32_t spirv_instruction(const uint32_t *words)
{
    return words[0] & 0xffff;
}

/* Words, the first one included. */
static inline uint32_t spirv_length(const uint32_t *words)
{
    return words[0] >> 16;
}

/* Ids are below it. */
static inline uint32_t spirv_bound(const uint32_t *code)
{
    return code[3];
}

/* That the code begins as SPIR-V does and that its instructions fill it. `name`: of the kernel, for the message. */
enum status spirv_check(const char *name, const uint32_t *code, size_t word_count) MUST_CHECK;

/*
 * The result of an instruction on one or two scalars of 32 bits (bools: 0 or 1; of one operand, `right` is not read).
 * False where it is not one of those that both callers' constants are made of.
 */
bool spirv_compute(uint32_t instruction, uint32_t left, uint32_t right, uint32_t *result);

/* Of instructions in functions: whether one makes an id, in its third word; whether one ends a block. */
bool spirv_has_result(const uint32_t *words);
bool spirv_is_terminator(uint32_t instruction);
/* The labels that a terminator names. */
uint32_t spirv_target_count(const uint32_t *terminator);
uint32_t spirv_target(const uint32_t *terminator, uint32_t index);
/* The one that is taken where the condition or selector is `bits`. */
uint32_t spirv_chosen_target(const uint32_t *terminator, uint32_t bits);

enum spirv_decoration {
    SPIRV_SPEC_ID = 1,
    SPIRV_BUFFER_BLOCK = 3,
    SPIRV_ARRAY_STRIDE = 6,
    SPIRV_BUILT_IN = 11,
    SPIRV_NON_WRITABLE = 24,
    SPIRV_NON_READABLE = 25,
    SPIRV_BINDING = 33,
    SPIRV_DESCRIPTOR_SET = 34,
    SPIRV_OFFSET = 35,
};

enum { SPIRV_LOCAL_SIZE = 17, SPIRV_COOPERATIVE_MATRIX = 6022 };

/* Of GLSL.std.450. */
enum spirv_extended { SPIRV_MODF = 35, SPIRV_FREXP = 51 };

enum spirv_storage {
    SPIRV_UNIFORM_CONSTANT = 0,
    SPIRV_UNIFORM = 2,
    SPIRV_WORKGROUP = 4,
    SPIRV_PUSH_CONSTANT = 9,
    SPIRV_STORAGE_BUFFER = 12,
};

enum { SPIRV_DIMENSION_BUFFER = 5 };

enum spirv_format {
    SPIRV_FORMAT_RGBA32F = 1,
    SPIRV_FORMAT_R32F = 3,
    SPIRV_FORMAT_R32I = 24,
    SPIRV_FORMAT_R32UI = 33,
};

#endif
