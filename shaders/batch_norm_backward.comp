#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = weight spread (dy - (sum + normalised x * product) / rows), with the sums that batch_norm_sums began, and its dy. */
#include "batch_norm.h"
#define EPILOGUE_ID 1
#include "lib/epilogue.glsl"

layout(constant_id = 0) const uint AFFINE = 1; /* 0: no weight */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer means;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer spreads;
layout(binding = 4, rgba32f) readonly restrict uniform imageBuffer weight;
layout(binding = 5, rgba32f) readonly restrict uniform imageBuffer sums;
layout(binding = 6, rgba32f) readonly restrict uniform imageBuffer products;
layout(binding = 7, rgba32f) readonly restrict uniform imageBuffer y; /* not read without an epilogue */
layout(std430, binding = 8) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(push_constant) uniform Push
{
    batch_norm_push push;
};

void make_vector(uint index, uint at)
{
    batch_norm_place place = batch_norm_find(index, push);
    int statistic = int(place.shard * push.statistic_step + place.channel);
    int total = int(place.shard * push.sum_step + place.channel);
    vec4 mean = imageLoad(means, statistic);
    vec4 spread = imageLoad(spreads, statistic);
    vec4 offset = imageLoad(sums, total) / push.rows;
    vec4 slope = imageLoad(products, total) / push.rows * spread;
    vec4 scale = spread;
    if (AFFINE == 1) {
        scale *= imageLoad(weight, int(place.channel));
    }
    uint step = push.channels.value;
    uint made_first = push.made_first;
#define MAKE(from)                                                                                                     \
    {                                                                                                                  \
        vec4 centred = imageLoad(x, int(from)) - mean;                                                                 \
        vec4 gradient = epilogue_derivative(imageLoad(y, int(from)), imageLoad(dy, int(from)));                        \
        dx[from - made_first] = (gradient - offset - centred * slope) * scale;                                         \
    }
    BATCH_NORM_ROWS(place, step, MAKE)
}

#define TURNS 1
#include "lib/each_invocation.glsl"
