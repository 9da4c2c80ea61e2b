/*
 * How a kernel writes what its invocations make. For class cpu a shader that includes this is compiled once more, with
 * CPU defined (shaders/meson.build); the engine takes that one by itself.
 *
 * A CPU driver (lavapipe) writes a vector of an invocation by a loop over the lanes of its register, float by float and
 * each through memory: 12 cycles a vector with registers of 8 lanes, 45 with 16. But what all invocations write to the
 * same place is written once, two floats at a time, 2 to 3 cycles a vector. So there, one after the other, the vectors of
 * all lanes are written by all invocations. It takes two things:
 * - The driver must see that the place is the same for all. It does where the place is computed from constants and from
 *   push constants alone, for these have the same index for all invocations that read them. uniform_number() makes any
 *   number one that is. It looks through the whole expression at each use and forgets what it saw: a place that follows
 *   from the one before, and that from the one before it, takes it seconds.
 * - The store must stand outside all branches and loops, in a function that nobody leaves early. So nothing is skipped:
 *   what lies behind the bound part of a buffer is not written (robustBufferAccess2).
 *
 * A shader writes
 *   PUSH(type)                          its push constants, which are then called `push`
 *   OUTPUT(number, name)                a buffer of vectors at that binding
 *   OUTPUT_OVER(number, name)           the same over memory that the kernel reads too, each vector before it writes it
 *   uniform_number(n)                   n < 2^24, the same in all lanes of a register (else: lane 0's)
 *   uniform_digit(n)                    the same for n < 16: a sixth of the work
 *   FIRST_NEIGHBOUR                     gl_LocalInvocationID.x of lane 0
 *   FIRST_INDEX                         the number of lane 0's invocation in a grid of rows, by uniform_number()
 *   LANE                                one's own; GPUs: 0, and the two above are one's own numbers
 *   STORE(name, exists, at, to, value)  name[at] = value, where it exists. For CPUs: lane i's value to name[to + i],
 *                                       whatever exists; `to` from uniform_number()
 *   PER_LANE(type, name, f, first)      an array, name[lane] = f(first + lane). GPUs: of one
 *   STORE_AT(name, place, value)        where lanes' places do not lie side by side: `place` tells from uniform numbers
 *                                       where the value of `lane` goes, NOWHERE or beyond what does not exist
 *   STORE_WORD_AT(name, place, value)   the same of an unsigned integer, in a buffer that the shader declares
 *   OUTPUT_WORDS, STORE_WORDS           the same as OUTPUT and STORE for a buffer of uints; `to` is a multiple of 4
 */
#ifndef SHADERS_LIB_STORE_GLSL
#define SHADERS_LIB_STORE_GLSL

const uint NOWHERE = 0x1000000; /* vectors: behind all that a binding holds */

#ifdef CPU
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_subgroup_extended_types_int64 : require

layout(constant_id = 15) const uint LANES = 8; /* of a register: 8 or 16. DISPATCH_LANES_CONSTANT */
#define LANE gl_SubgroupInvocationID
#define FIRST_NEIGHBOUR (gl_SubgroupID * LANES)

#define DIGIT(number, place) uint(digits[(number) >> place & 15]) << place
#define PUSH(type)                                                                                                     \
    layout(push_constant) uniform Push                                                                                 \
    {                                                                                                                  \
        type push;                                                                                                     \
        uint8_t digits[16]; /* 0 .. 15: the engine adds them */                                                        \
    };                                                                                                                 \
    uint uniform_number(uint n)                                                                                        \
    {                                                                                                                  \
        return DIGIT(n, 0) | DIGIT(n, 4) | DIGIT(n, 8) | DIGIT(n, 12) | DIGIT(n, 16) | DIGIT(n, 20);                   \
    }                                                                                                                  \
    uint uniform_digit(uint n)                                                                                         \
    {                                                                                                                  \
        return digits[n];                                                                                              \
    }
#define OUTPUT_BUFFER(qualifiers, number, name)                                                                        \
    layout(std430, binding = number) qualifiers buffer name##_buffer                                                   \
    {                                                                                                                  \
        u64vec2 name[];                                                                                                \
    };

/* What a lane stores, in the form in which it is handed round. */
u64vec2 store_pack(vec4 value)
{
    uvec4 bits = floatBitsToUint(value);
    return u64vec2(packUint2x32(bits.xy), packUint2x32(bits.zw));
}
#define STORE_LANE(name, to, packed, lane) name[to] = subgroupShuffle(packed, lane);
#define STORE_EACH_LANE(TO, name, place)                                                                               \
    TO(name, place, 0)                                                                                                 \
    TO(name, place, 1)                                                                                                 \
    TO(name, place, 2)                                                                                                 \
    TO(name, place, 3)                                                                                                 \
    TO(name, place, 4)                                                                                                 \
    TO(name, place, 5)                                                                                                 \
    TO(name, place, 6)                                                                                                 \
    TO(name, place, 7)                                                                                                 \
    if (LANES == 16) {                                                                                                 \
        TO(name, place, 8)                                                                                             \
        TO(name, place, 9)                                                                                             \
        TO(name, place, 10)                                                                                            \
        TO(name, place, 11)                                                                                            \
        TO(name, place, 12)                                                                                            \
        TO(name, place, 13)                                                                                            \
        TO(name, place, 14)                                                                                            \
        TO(name, place, 15)                                                                                            \
    }
#define STORE_AT_LANE(name, place, number)                                                                             \
    {                                                                                                                  \
        const uint lane = number;                                                                                      \
        STORE_LANE(name, place, packed, lane)                                                                          \
    }
#define STORE_AT(name, place, value)                                                                                   \
    {                                                                                                                  \
        u64vec2 packed = store_pack(value);                                                                            \
        STORE_EACH_LANE(STORE_AT_LANE, name, place)                                                                    \
    }
/* The same for words: unsigned integers, in a buffer that the shader declares. */
#define STORE_WORD_AT_LANE(name, place, number)                                                                        \
    {                                                                                                                  \
        const uint lane = number;                                                                                      \
        name[place] = subgroupShuffle(word, lane);                                                                     \
    }
#define STORE_WORD_AT(name, place, value)                                                                              \
    {                                                                                                                  \
        uint word = value;                                                                                             \
        STORE_EACH_LANE(STORE_WORD_AT_LANE, name, place)                                                               \
    }
#define STORE(name, exists, at, to, value) STORE_AT(name, (to) + lane, value)
#define OUTPUT_WORDS(number, name) OUTPUT_BUFFER(writeonly restrict, number, name)
#define STORE_WORD(name, to, value, lane)                                                                              \
    name[(to) + lane / 4] = u64vec2(                                                                                   \
        packUint2x32(uvec2(subgroupShuffle(value, lane), subgroupShuffle(value, lane + 1))),                           \
        packUint2x32(uvec2(subgroupShuffle(value, lane + 2), subgroupShuffle(value, lane + 3))));
#define STORE_WORDS(name, exists, at, to, value)                                                                       \
    STORE_WORD(name, (to) / 4, value, 0)                                                                               \
    STORE_WORD(name, (to) / 4, value, 4)                                                                               \
    if (LANES == 16) {                                                                                                 \
        STORE_WORD(name, (to) / 4, value, 8)                                                                           \
        STORE_WORD(name, (to) / 4, value, 12)                                                                          \
    }
#define PER_LANE(type, name, f, first)                                                                                 \
    type name[16] = type[16](f((first)), f((first) + 1), f((first) + 2), f((first) + 3),                               \
                             f((first) + 4), f((first) + 5), f((first) + 6), f((first) + 7),                           \
                             f((first) + 8), f((first) + 9), f((first) + 10), f((first) + 11),                         \
                             f((first) + 12), f((first) + 13), f((first) + 14), f((first) + 15));
#else
#define PUSH(type)                                                                                                     \
    layout(push_constant) uniform Push                                                                                 \
    {                                                                                                                  \
        type push;                                                                                                     \
    };
#define OUTPUT_BUFFER(qualifiers, number, name)                                                                        \
    layout(std430, binding = number) qualifiers buffer name##_buffer                                                   \
    {                                                                                                                  \
        vec4 name[];                                                                                                   \
    };
#define LANE 0
#define FIRST_NEIGHBOUR gl_LocalInvocationID.x
uint uniform_number(uint number)
{
    return number;
}

uint uniform_digit(uint number)
{
    return number;
}

#define STORE(name, exists, at, to, value)                                                                             \
    if (exists) {                                                                                                      \
        name[at] = value;                                                                                              \
    }
#define STORE_AT(name, place, value)                                                                                   \
    {                                                                                                                  \
        uint found;                                                                                                    \
        {                                                                                                              \
            const uint lane = 0;                                                                                       \
            found = place;                                                                                             \
        }                                                                                                              \
        STORE(name, found < NOWHERE, found, found, value)                                                              \
    }
#define STORE_WORD_AT(name, place, value) STORE_AT(name, place, value)
#define OUTPUT_WORDS(number, name)                                                                                     \
    layout(std430, binding = number) writeonly restrict buffer name##_buffer                                           \
    {                                                                                                                  \
        uint name[];                                                                                                   \
    };
#define STORE_WORDS(name, exists, at, to, value) STORE(name, exists, at, to, value)
#define PER_LANE(type, name, f, first) type name[1] = type[1](f(first));
#endif

#define FIRST_INDEX                                                                                                    \
    uniform_number((gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + FIRST_NEIGHBOUR)

#define OUTPUT(number, name) OUTPUT_BUFFER(writeonly restrict, number, name)
#define OUTPUT_OVER(number, name) OUTPUT_BUFFER(writeonly, number, name)
#endif
