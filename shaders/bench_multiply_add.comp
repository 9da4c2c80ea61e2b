#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * What arithmetic the device can do at best: multiply-adds that wait for nobody and touch no memory. Sixteen chains an
 * invocation hide the latency of a multiplication and an addition in a row.
 */
#include "bench.h"
#include "lib/store.glsl"

layout(constant_id = 0) const uint TURNS = 1; /* below 65,536: CPU drivers end loops there */

layout(local_size_x = RANGE_LOCAL_SIZE) in;
OUTPUT(0, y)
PUSH(bench_multiply_add_push)

#define TURN                                                                                                           \
    a = a * scale + offset;                                                                                            \
    b = b * scale + offset;                                                                                            \
    c = c * scale + offset;                                                                                            \
    d = d * scale + offset;

void main()
{
    /* Neither is known when the kernel is compiled, and the numbers stay near 1. */
    float scale = push.scale;
    float offset = push.offset;
    uint first = gl_WorkGroupID.x * RANGE_LOCAL_SIZE;
    vec4 a = vec4(float(gl_LocalInvocationID.x));
    vec4 b = a + 1.0;
    vec4 c = a + 2.0;
    vec4 d = a + 3.0;
    for (uint turn = 0; turn < TURNS; turn++) {
        TURN TURN TURN TURN TURN TURN TURN TURN
    }
    STORE(y, true, first + gl_LocalInvocationID.x, a + b + c + d)
}
