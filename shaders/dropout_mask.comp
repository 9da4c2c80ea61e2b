#version 450
#extension GL_GOOGLE_include_directive : require
/* y = x mask / (1 - p), forward for the input and backward for the gradient: the mask is drawn again, not kept. */
#include "dropout.h"
#include "lib/philox.glsl"
#include "step.h"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) readonly restrict buffer Step
{
    step_scalars scalars;
};
layout(std430, binding = 2) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    dropout_push push;
};

void make_vector(uint index, uint at)
{
    uint sample_index = divide(index, push.sample_vectors);
    uint vector = index - sample_index * push.sample_vectors.value;
    uvec4 words = philox(uvec2(scalars.seed_low, scalars.seed_high),
                         uvec4(vector, push.stream, push.first_sample + sample_index, scalars.step));
    bvec4 kept = greaterThanEqual(words >> 8, uvec4(push.threshold));
    y[at] = mix(vec4(0), push.scale * imageLoad(x, int(at)), kept);
}

#define TURNS DROPOUT_TURNS
#include "lib/each_vector.glsl"
