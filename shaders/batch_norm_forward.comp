#version 450
#extension GL_GOOGLE_include_directive : require
/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias, then the epilogue */
#include "batch_norm.h"
#define EPILOGUE_ID 2
#define EPILOGUE_RESIDUAL 5
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(constant_id = 0) const uint AFFINE = 1;   /* 0: no weight and bias */
layout(constant_id = 1) const uint VARIANCE = 0; /* 1: `spreads` holds variances, 0: 1 / sqrt(variance + epsilon) */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer means;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer spreads;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer weight;
layout(binding = 4, rgba32f) readonly restrict uniform imageBuffer bias;
OUTPUT(6, y)
PUSH(batch_norm_block_push)

struct factors {
    vec4 mean, scale, shift;
    bvec4 inside;
};

factors find_factors(uint shard, uint channel)
{
    int statistic = int(shard * push.statistic_step + channel);
    vec4 scale = imageLoad(spreads, statistic);
    if (VARIANCE == 1) {
        scale = 1.0 / sqrt(scale + push.epsilon);
    }
    vec4 shift = vec4(0);
    if (AFFINE == 1) {
        scale *= imageLoad(weight, int(channel));
        shift = imageLoad(bias, int(channel));
    }
    bvec4 inside = lessThan(uvec4(channel * 4) + uvec4(0, 1, 2, 3), uvec4(push.channel_count));
    return factors(imageLoad(means, statistic), scale, shift, inside);
}

vec4 make_vector(uint at, factors by)
{
    vec4 value = epilogue_apply(normalise(imageLoad(x, int(at)), by.mean, by.scale, by.shift), at);
    return map_moves_zero(EPILOGUE_MAP) ? mix(vec4(0), value, by.inside) : value;
}

#define RESULT y
#include "lib/normalise.glsl"
