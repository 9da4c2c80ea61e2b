#version 450
#extension GL_GOOGLE_include_directive : require
/* The tree sum over up to eight shards: neighbours first, as base/shards.h says; an odd one out waits. */
#include "reduce.h"
#include "lib/store.glsl"

layout(constant_id = 0) const uint SHARDS = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer values;
OUTPUT(1, sums)
PUSH(reduce_shards_push)

vec4 make_vector(uint index, uint at)
{
    vec4 shard[8];
    uint from = push.first + index;
    for (uint i = 0; i < SHARDS; i++) {
        shard[i] = imageLoad(values, int(from));
        from += push.count;
    }
    for (uint span = 1; span < SHARDS; span *= 2) {
        for (uint i = 0; i + span < SHARDS; i += 2 * span) {
            shard[i] += shard[i + span];
        }
    }
    return shard[0];
}

#define TURNS 1
#define RESULT sums
#include "lib/each_vector.glsl"
