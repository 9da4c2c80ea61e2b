#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Mean and centred sum of squares of a chunk. The chunk is read twice, the second time from the cache; the second
 * pass also takes out what rounding left in the mean.
 */
#include "batch_norm.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, means)
OUTPUT(2, squares)
PUSH(batch_norm_chunk_push)

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint at = INVOCATION;
    uint count = push.part.count;
    batch_norm_place place = batch_norm_find(push.part.first + min(at, count - 1), push);
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
    STORE(means, at < count, at, mean + rest * share)
    STORE(squares, at < count, at, max(square - rest * rest * share, vec4(0)))
}
