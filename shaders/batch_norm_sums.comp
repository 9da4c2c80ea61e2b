#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Over a chunk: the sums of dy and of dy times the normalised x, which are also the gradients of bias and weight. With
 * an epilogue dy, as it is bound, comes from behind that.
 */
#include "batch_norm.h"
#define EPILOGUE_ID 0
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer means;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer spreads;
layout(binding = 4, rgba32f) readonly restrict uniform imageBuffer y; /* not read without an epilogue */
OUTPUT(5, sums)
OUTPUT(6, products)
PUSH(batch_norm_chunk_push)

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint at = INVOCATION;
    uint count = push.part.count;
    batch_norm_place place = batch_norm_find(push.part.first + min(at, count - 1), push);
    int statistic = int(place.shard * push.statistic_step + place.channel);
    vec4 mean = imageLoad(means, statistic);
    vec4 sum = vec4(0);
    vec4 product = vec4(0);
    uint step = push.channels.value;
#define ADD(from)                                                                                                      \
    {                                                                                                                  \
        vec4 gradient = epilogue_derivative(imageLoad(y, int(from)), imageLoad(dy, int(from)));                        \
        sum += gradient;                                                                                               \
        product += gradient * (imageLoad(x, int(from)) - mean);                                                        \
    }
    BATCH_NORM_ROWS(place, step, ADD)
    STORE(sums, at < count, at, sum)
    STORE(products, at < count, at, product * imageLoad(spreads, statistic))
}
