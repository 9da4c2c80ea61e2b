#version 450
#extension GL_GOOGLE_include_directive : require
/* y = x mask / (1 - p); the mask is kept for the backward pass: a bit an element. */
#include "dropout.h"
#include "lib/philox.glsl"
#include "step.h"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) readonly restrict buffer Step
{
    step_scalars scalars;
};
layout(std430, binding = 2) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(std430, binding = 3) writeonly restrict buffer Mask
{
    uint mask[];
};
layout(push_constant) uniform Push
{
    dropout_push push;
};

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint invocation = group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint first = dropout_first(invocation);
    range part = push.part;
    divisor sample_vectors = push.sample_vectors;
    uint first_sample = push.first_sample;
    uint stream = push.stream;
    uvec4 threshold = uvec4(push.threshold);
    float scale = push.scale;
    uvec2 key = uvec2(scalars.seed_low, scalars.seed_high);
    uint step = scalars.step;

    uint word = 0;
    for (uint turn = 0; turn < DROPOUT_TURNS; turn++) {
        uint at = first + turn * DROPOUT_NEIGHBOURS;
        uint index = part.first + at;
        uint sample_index = divide(index, sample_vectors);
        uint vector = index - sample_index * sample_vectors.value;
        uvec4 words = philox(key, uvec4(vector, stream, first_sample + sample_index, step));
        bvec4 kept = greaterThanEqual(words >> 8, threshold);
        if (at < part.count) {
            y[at] = mix(vec4(0), scale * imageLoad(x, int(at)), kept);
        }
        uvec4 bits = uvec4(kept) << (turn * 4 + uvec4(0, 1, 2, 3));
        word |= bits.x | bits.y | bits.z | bits.w;
    }
    if (first < part.count) {
        mask[part.first / DROPOUT_TURNS + invocation] = word;
    }
}
