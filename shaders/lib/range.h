/*
 * The part of an output that one dispatch makes, counted in vectors of four floats: storage buffers are limited, so a
 * large output is made by several dispatches (compute/kernels/range.h). And division by a number that is known before
 * the shader runs: CPUs have no vector division of integers. Shared by C and GLSL.
 */
#ifndef SHADERS_LIB_RANGE_H
#define SHADERS_LIB_RANGE_H

#ifndef VULKAN /* which GLSL compilers define */
#include <stdint.h>
#include <sys/types.h> /* uint */
#endif

#define RANGE_LOCAL_SIZE 64 /* of every kernel that makes an output vector by vector */

struct range {
    uint first; /* vector of the whole output */
    uint count;
};

/* n / value = (n * multiplier / 2^32 + n) >> shift for n below 2^31 (Granlund and Montgomery 1994). */
struct divisor {
    uint value;
    uint multiplier;
    uint shift;
};

#ifdef VULKAN
uint divide(uint n, divisor d)
{
    uint high, low;
    umulExtended(n, d.multiplier, high, low);
    return (high + n) >> d.shift;
}
#else
/* For members of structs that are shared with GLSL, which does not say `struct` again. */
typedef struct range range;
typedef struct divisor divisor;

/* 0 < value < 2^31 */
static inline struct divisor divisor_of(int64_t value)
{
    uint64_t d = (uint64_t)value;
    uint shift = 0;
    while ((1ULL << shift) < d) {
        shift++;
    }
    return (struct divisor){
        .value = (uint)d, .multiplier = (uint)((((1ULL << shift) - d) << 32) / d + 1), .shift = shift};
}
#endif

#endif
