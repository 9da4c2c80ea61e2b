#version 450
/*
 * What arithmetic the device can do at best: multiply-adds that wait for nobody and touch no memory. Sixteen chains an
 * invocation hide the latency of a multiplication and an addition in a row.
 */
layout(constant_id = 0) const uint TURNS = 1; /* below 65,536: CPU drivers end loops there */

layout(local_size_x = 64) in;
layout(std430, binding = 0) writeonly restrict buffer Output
{
    vec4 y[];
};

#define TURN                                                                                                           \
    a = a * scale + offset;                                                                                            \
    b = b * scale + offset;                                                                                            \
    c = c * scale + offset;                                                                                            \
    d = d * scale + offset;

void main()
{
    /* Neither is known when the kernel is compiled, and the numbers stay near 1. */
    vec4 scale = vec4(1.0 - 1e-3 * float(gl_WorkGroupID.x + 1) / float(gl_NumWorkGroups.x));
    vec4 offset = vec4(1.0) - scale;
    vec4 a = vec4(float(gl_LocalInvocationID.x));
    vec4 b = a + 1.0;
    vec4 c = a + 2.0;
    vec4 d = a + 3.0;
    for (uint turn = 0; turn < TURNS; turn++) {
        TURN TURN TURN TURN TURN TURN TURN TURN
    }
    y[gl_WorkGroupID.x * 64 + gl_LocalInvocationID.x] = a + b + c + d;
}
