#version 450
#extension GL_GOOGLE_include_directive : require
/* A shard's sum of squares around its own mean becomes that around the mean of all shards. */
#include "batch_norm.h"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer means;      /* [shard][channel] */
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer squares;    /* [shard][channel] */
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer mean_total; /* [channel]: over all shards */
layout(std430, binding = 3) writeonly restrict buffer Output
{
    vec4 centred[];
};
layout(push_constant) uniform Push
{
    batch_norm_merge_push push; /* part_rows: of a shard; mean_scale: 1 / shards */
};

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint index = group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    if (index >= push.count) {
        return;
    }
    uint channel = index - divide(index, push.channels) * push.channels.value;
    vec4 apart = imageLoad(means, int(index)) - imageLoad(mean_total, int(channel)) * push.mean_scale;
    centred[index] = imageLoad(squares, int(index)) + apart * apart * push.part_rows;
}
