#version 450
#extension GL_GOOGLE_include_directive : require
/* y = (x - mean) / sqrt(variance + epsilon) * weight + bias, then the epilogue */
#include "batch_norm.h"
#define EPILOGUE_ID 2
#include "lib/epilogue.glsl"

layout(constant_id = 0) const uint AFFINE = 1;   /* 0: no weight and bias */
layout(constant_id = 1) const uint VARIANCE = 0; /* 1: `spreads` holds variances, 0: 1 / sqrt(variance + epsilon) */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer means;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer spreads;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer weight;
layout(binding = 4, rgba32f) readonly restrict uniform imageBuffer bias;
layout(std430, binding = 5) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    batch_norm_push push;
};

void make_vector(uint index, uint at)
{
    batch_norm_place place = batch_norm_find(index, push);
    int statistic = int(place.shard * push.statistic_step + place.channel);
    vec4 mean = imageLoad(means, statistic);
    vec4 scale = imageLoad(spreads, statistic);
    if (VARIANCE == 1) {
        scale = 1.0 / sqrt(scale + push.epsilon);
    }
    vec4 shift = vec4(0);
    if (AFFINE == 1) {
        scale *= imageLoad(weight, int(place.channel));
        shift = imageLoad(bias, int(place.channel));
    }
    bvec4 inside = lessThan(uvec4(place.channel * 4) + uvec4(0, 1, 2, 3), uvec4(push.channel_count));
    uint step = push.channels.value;
    uint made_first = push.made_first;
#define MAKE(from)                                                                                                     \
    {                                                                                                                  \
        vec4 value = epilogue_apply(normalise(imageLoad(x, int(from)), mean, scale, shift));                           \
        y[from - made_first] = map_moves_zero(EPILOGUE_MAP) ? mix(vec4(0), value, inside) : value;                     \
    }
    BATCH_NORM_ROWS(place, step, MAKE)
}

#define TURNS 1
#include "lib/each_invocation.glsl"
