#version 450
#extension GL_GOOGLE_include_directive : require
/* The tree sum over up to eight shards: neighbours first, as base/shards.h says; an odd one out waits. */
#include "reduce.h"
#include "lib/store.glsl"

layout(constant_id = 0) const uint SHARDS = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer values;
OUTPUT(1, sums)
PUSH(reduce_shards_push)

/* Shards have names, not indices: arrays become memory, lane by lane. Those that are not there are not loaded. */
#define SHARD(i) vec4 shard##i = SHARDS > i ? imageLoad(values, int(from + i * push.count)) : vec4(0);
#define ADD(i, j)                                                                                                      \
    if (SHARDS > j) {                                                                                                  \
        shard##i += shard##j;                                                                                          \
    }

vec4 make_vector(uint index, uint at)
{
    uint from = push.first + index;
    SHARD(0) SHARD(1) SHARD(2) SHARD(3) SHARD(4) SHARD(5) SHARD(6) SHARD(7)
    ADD(0, 1) ADD(2, 3) ADD(4, 5) ADD(6, 7)
    ADD(0, 2) ADD(4, 6)
    ADD(0, 4)
    return shard0;
}

#define TURNS 1
#define RESULT sums
#include "lib/each_vector.glsl"
