#version 450
#extension GL_GOOGLE_include_directive : require
/* What memory gives at best: read as kernels of layers read, and written. */
#include "bench.h"
#include "lib/store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)
PUSH(bench_copy_push)

/* Neighbours whose vectors lie side by side: CPUs like a subgroup's in one piece, GPUs a workgroup's in lines. */
#ifdef CPU
const uint NEIGHBOURS = LANES;
#else
const uint NEIGHBOURS = RANGE_LOCAL_SIZE;
#endif

#define COPY(turn)                                                                                                     \
    if (BENCH_COPY_VECTORS > turn) {                                                                                   \
        uint at = first + lane + turn * NEIGHBOURS;                                                                    \
        STORE(y, at < push.count, at, imageLoad(x, int(at)))                                                           \
    }

void main()
{
#ifdef CPU
    uint lane = gl_SubgroupInvocationID;
    uint neighbours = gl_SubgroupID;
#else
    uint lane = gl_LocalInvocationID.x;
    uint neighbours = 0;
#endif
    uint piece = gl_WorkGroupID.x * (RANGE_LOCAL_SIZE / NEIGHBOURS) + neighbours;
    uint first = piece * (NEIGHBOURS * BENCH_COPY_VECTORS);
    COPY(0) COPY(1) COPY(2) COPY(3) COPY(4) COPY(5) COPY(6) COPY(7)
}
