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
 *   number one that is.
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
 *   STORE(name, exists, at, to, value)  name[at] = value, where it exists. For CPUs: lane i's value to name[to + i],
 *                                       whatever exists; `to` from uniform_number().
 */
#ifndef SHADERS_LIB_STORE_GLSL
#define SHADERS_LIB_STORE_GLSL

#ifdef CPU
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_explicit_arithmetic_types_int64 : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_subgroup_extended_types_int64 : require

layout(constant_id = 15) const uint LANES = 8; /* of a register: 8 or 16. DISPATCH_LANES_CONSTANT */
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
#define STORE(name, exists, at, to, value)                                                                             \
    {                                                                                                                  \
        u64vec2 bits = store_pack(value);                                                                              \
        STORE_LANE(name, (to), bits, 0)                                                                                \
        STORE_LANE(name, (to) + 1, bits, 1)                                                                            \
        STORE_LANE(name, (to) + 2, bits, 2)                                                                            \
        STORE_LANE(name, (to) + 3, bits, 3)                                                                            \
        STORE_LANE(name, (to) + 4, bits, 4)                                                                            \
        STORE_LANE(name, (to) + 5, bits, 5)                                                                            \
        STORE_LANE(name, (to) + 6, bits, 6)                                                                            \
        STORE_LANE(name, (to) + 7, bits, 7)                                                                            \
        if (LANES == 16) {                                                                                             \
            STORE_LANE(name, (to) + 8, bits, 8)                                                                        \
            STORE_LANE(name, (to) + 9, bits, 9)                                                                        \
            STORE_LANE(name, (to) + 10, bits, 10)                                                                      \
            STORE_LANE(name, (to) + 11, bits, 11)                                                                      \
            STORE_LANE(name, (to) + 12, bits, 12)                                                                      \
            STORE_LANE(name, (to) + 13, bits, 13)                                                                      \
            STORE_LANE(name, (to) + 14, bits, 14)                                                                      \
            STORE_LANE(name, (to) + 15, bits, 15)                                                                      \
        }                                                                                                              \
    }
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
#endif

#define OUTPUT(number, name) OUTPUT_BUFFER(writeonly restrict, number, name)
#define OUTPUT_OVER(number, name) OUTPUT_BUFFER(writeonly, number, name)
#endif
