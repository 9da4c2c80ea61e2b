#version 450
#extension GL_GOOGLE_include_directive : require
/* Rows of mean, scale and shift for evaluation, y = (x - mean) * scale + shift, as batch_norm_forward computes them. */
#include "batch_norm.h"
#include "lib/store.glsl"

layout(constant_id = 0) const uint AFFINE = 1; /* 0: no weight and bias */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer means;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer variances;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer weight;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer bias;
OUTPUT(4, rows)
PUSH(batch_norm_fold_push)

layout(local_size_x = RANGE_LOCAL_SIZE) in;

void main()
{
    uint at = INVOCATION;
    uint channels = push.channels;
    uint channel = min(at, channels - 1);
    vec4 scale = 1.0 / sqrt(imageLoad(variances, int(channel)) + push.epsilon);
    vec4 shift = vec4(0);
    if (AFFINE == 1) {
        scale *= imageLoad(weight, int(channel));
        shift = imageLoad(bias, int(channel));
    }
    STORE(rows, at < channels, at, imageLoad(means, int(channel)))
    STORE(rows, at < channels, channels + at, scale)
    STORE(rows, at < channels, 2 * channels + at, shift)
}
