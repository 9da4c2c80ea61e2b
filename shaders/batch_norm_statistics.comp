#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Mean and centred sum of squares of a chunk. The chunk is read twice, the second time from the cache; the second
 * pass also takes out what rounding left in the mean.
 */
#include "batch_norm.h"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Means
{
    vec4 means[];
};
layout(std430, binding = 2) writeonly restrict buffer Squares
{
    vec4 squares[];
};
layout(push_constant) uniform Push
{
    batch_norm_push push;
};

void make_vector(uint index, uint at)
{
    batch_norm_place place = batch_norm_find(index, push);
    float share = 1.0 / float(place.count);
    vec4 sum = vec4(0);
    uint step = push.channels.value;
#define ADD(from) sum += imageLoad(x, int(from));
    BATCH_NORM_ROWS(place, step, ADD)
    vec4 mean = sum * share;
    vec4 rest = vec4(0);
    vec4 square = vec4(0);
#define ADD_CENTRED(from)                                                                                              \
    {                                                                                                                  \
        vec4 centred = imageLoad(x, int(from)) - mean;                                                                 \
        rest += centred;                                                                                               \
        square += centred * centred;                                                                                   \
    }
    BATCH_NORM_ROWS(place, step, ADD_CENTRED)
    means[at] = mean + rest * share;
    squares[at] = max(square - rest * rest * share, vec4(0));
}

#define TURNS 1
#include "lib/each_invocation.glsl"
