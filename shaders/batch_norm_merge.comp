#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * From means and centred sums of squares of parts to those of all rows of a shard, one part after another (Chan, Golub
 * and LeVeque 1983).
 */
#include "batch_norm.h"

/* 0: the centred sum of squares goes to `spread`. 1: 1 / sqrt(variance + epsilon), and the unbiased variance. */
layout(constant_id = 0) const uint FINISH = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer part_means;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer part_squares;
layout(std430, binding = 2) writeonly restrict buffer Means
{
    vec4 means[];
};
layout(std430, binding = 3) writeonly restrict buffer Spreads
{
    vec4 spreads[];
};
layout(std430, binding = 4) writeonly restrict buffer Variances
{
    vec4 variances[];
};
layout(push_constant) uniform Push
{
    batch_norm_merge_push push;
};

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint index = group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    if (index >= push.count) {
        return;
    }
    uint shard = divide(index, push.channels);
    uint from = shard * push.part_step + index - shard * push.channels.value;
    float rows = push.parts == 1 ? push.last_rows : push.part_rows;
    /* Means are taken from the first part's on: where they are far from 0, little is lost to rounding. */
    vec4 origin = imageLoad(part_means, int(from)) * push.mean_scale;
    vec4 mean = vec4(0);
    vec4 square = imageLoad(part_squares, int(from));
    for (uint part = 1; part < push.parts; part++) {
        from += push.channels.value;
        float more = part == push.parts - 1 ? push.last_rows : push.part_rows;
        float all = rows + more;
        vec4 apart = imageLoad(part_means, int(from)) * push.mean_scale - origin - mean;
        mean += apart * (more / all);
        square += imageLoad(part_squares, int(from)) + apart * apart * (rows / all * more);
        rows = all;
    }
    means[index] = origin + mean;
    if (FINISH == 1) {
        spreads[index] = 1.0 / sqrt(square / rows + push.epsilon);
        variances[index] = square / (rows - 1.0);
    } else {
        spreads[index] = square;
    }
}
