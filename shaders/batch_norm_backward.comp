#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = weight spread (dy - (sum + normalised x * product) / rows), with the sums that batch_norm_sums began, and its dy. */
#include "batch_norm.h"
#define EPILOGUE_ID 1
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(constant_id = 0) const uint AFFINE = 1; /* 0: no weight */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer means;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer spreads;
layout(binding = 4, rgba32f) readonly restrict uniform imageBuffer weight;
layout(binding = 5, rgba32f) readonly restrict uniform imageBuffer sums;
layout(binding = 6, rgba32f) readonly restrict uniform imageBuffer products;
layout(binding = 7, rgba32f) readonly restrict uniform imageBuffer y; /* not read without an epilogue */
OUTPUT(8, dx)
PUSH(batch_norm_block_push)

struct factors {
    vec4 mean, offset, slope, scale;
};

factors find_factors(uint shard, uint channel)
{
    int statistic = int(shard * push.statistic_step + channel);
    int total = int(shard * push.sum_step + channel);
    vec4 spread = imageLoad(spreads, statistic);
    vec4 offset = imageLoad(sums, total) / push.rows;
    vec4 slope = imageLoad(products, total) / push.rows * spread;
    vec4 scale = spread;
    if (AFFINE == 1) {
        scale *= imageLoad(weight, int(channel));
    }
    return factors(imageLoad(means, statistic), offset, slope, scale);
}

vec4 make_vector(uint at, factors by)
{
    vec4 centred = imageLoad(x, int(at)) - by.mean;
    vec4 gradient = epilogue_derivative(imageLoad(y, int(at)), imageLoad(dy, int(at)));
    return (gradient - by.offset - centred * by.slope) * by.scale;
}

#define RESULT dx
#include "lib/normalise.glsl"
