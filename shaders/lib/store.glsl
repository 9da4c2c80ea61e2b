/*
 * How a kernel writes what its invocations make. For class cpu a shader that includes this is compiled once more, with
 * CPU defined (shaders/meson.build); the engine takes that one by itself.
 *
 * A CPU driver (lavapipe) runs an invocation in each lane of a register. Where what the lanes store lies side by side,
 * in order, the register is written as it is (compute/vulkan/cpu_driver/), many times as fast as lane by lane; loads
 * alike. So invocations that are neighbours should make what lies side by side.
 *
 * A shader writes
 *   PUSH(type)                          its push constants, which are then called `push`
 *   OUTPUT(number, name)                a buffer of vectors at that binding
 *   OUTPUT_OVER(number, name)           the same over memory that the kernel reads too, each vector before it writes it
 *   OUTPUT_WORDS(number, name)          a buffer of unsigned integers
 *   INVOCATION                          its number in a grid of rows
 *   STORE(name, exists, at, value)      name[at] = value, where it exists
 *   STORE_AT(name, place, value)        the same where `place` tells it: NOWHERE or beyond for what does not exist
 *   uniform_digit(n)                    n < 16 which is the same in all lanes of a register: a CPU driver then knows
 *                                       so, and reads what it numbers once
 */
#ifndef SHADERS_LIB_STORE_GLSL
#define SHADERS_LIB_STORE_GLSL

const uint NOWHERE = 0x1000000; /* vectors: behind all that a binding holds */

#ifdef CPU
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require

layout(constant_id = 15) const uint LANES = 8; /* of a register: 8 or 16. DISPATCH_LANES_CONSTANT */

/* lavapipe takes a number for the same in all lanes that follows from push constants, at whatever index it reads them. */
#define PUSH(type)                                                                                                     \
    layout(push_constant) uniform Push                                                                                 \
    {                                                                                                                  \
        type push;                                                                                                     \
        uint8_t digits[16]; /* 0 .. 15: the engine adds them */                                                        \
    };                                                                                                                 \
    uint uniform_digit(uint n)                                                                                         \
    {                                                                                                                  \
        return digits[n];                                                                                              \
    }
/* Without a branch: what lies behind the bound part of a buffer is not written (robustBufferAccess2). */
#define STORE(name, exists, at, value) name[(exists) ? (at) : NOWHERE] = value;
#define STORE_AT(name, place, value) name[place] = value;
#else
#define PUSH(type)                                                                                                     \
    layout(push_constant) uniform Push                                                                                 \
    {                                                                                                                  \
        type push;                                                                                                     \
    };
uint uniform_digit(uint n)
{
    return n;
}

#define STORE(name, exists, at, value)                                                                                 \
    if (exists) {                                                                                                      \
        name[at] = value;                                                                                              \
    }
#define STORE_AT(name, place, value)                                                                                   \
    {                                                                                                                  \
        uint found = place;                                                                                            \
        STORE(name, found < NOWHERE, found, value)                                                                     \
    }
#endif

#define INVOCATION                                                                                                     \
    ((gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x)

#define OUTPUT_BUFFER(qualifiers, type, number, name)                                                                  \
    layout(std430, binding = number) qualifiers buffer name##_buffer                                                   \
    {                                                                                                                  \
        type name[];                                                                                                   \
    };
#define OUTPUT(number, name) OUTPUT_BUFFER(writeonly restrict, vec4, number, name)
#define OUTPUT_OVER(number, name) OUTPUT_BUFFER(writeonly, vec4, number, name)
#define OUTPUT_WORDS(number, name) OUTPUT_BUFFER(writeonly restrict, uint, number, name)
#endif
