#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * From means and centred sums of squares of parts to those of all rows of a shard, one part after another (Chan, Golub
 * and LeVeque 1983).
 */
#include "batch_norm.h"
#include "lib/store.glsl"

/* 0: the centred sum of squares goes to `spread`. 1: 1 / sqrt(variance + epsilon), and the unbiased variance. */
layout(constant_id = 0) const uint FINISH = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer part_means;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer part_squares;
OUTPUT(2, means)
OUTPUT(3, spreads)
OUTPUT(4, variances)
PUSH(batch_norm_merge_push)

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint at = INVOCATION;
    bool exists = at < push.count;
    uint index = min(at, push.count - 1);
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
    STORE(means, exists, at, origin + mean)
    if (FINISH == 1) {
        STORE(spreads, exists, at, 1.0 / sqrt(square / rows + push.epsilon))
        STORE(variances, exists, at, square / (rows - 1.0))
    } else {
        STORE(spreads, exists, at, square)
    }
}
