#version 450
#extension GL_GOOGLE_include_directive : require
/* A shard's sum of squares around its own mean becomes that around the mean of all shards. */
#include "batch_norm.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer means;      /* [shard][channel] */
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer squares;    /* [shard][channel] */
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer mean_total; /* [channel]: over all shards */
OUTPUT(3, centred)
PUSH(batch_norm_merge_push) /* part_rows: of a shard; mean_scale: 1 / shards */

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint at = INVOCATION;
    uint index = min(at, push.count - 1);
    uint channel = index - divide(index, push.channels) * push.channels.value;
    vec4 apart = imageLoad(means, int(index)) - imageLoad(mean_total, int(channel)) * push.mean_scale;
    STORE(centred, at < push.count, at, imageLoad(squares, int(index)) + apart * apart * push.part_rows)
}
