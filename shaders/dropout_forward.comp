#version 450
#extension GL_GOOGLE_include_directive : require
/* y = x mask / (1 - p); the mask is kept for the backward pass: a bit an element. */
#include "lib/dropout.glsl"
#include "lib/philox.glsl"
#include "step.h"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) readonly restrict buffer Step
{
    step_scalars scalars;
};
OUTPUT(2, y)
OUTPUT_WORDS(3, mask)
PUSH(dropout_push)

void main()
{
    uint invocation = INVOCATION;
    uint first = dropout_first(invocation);
    divisor sample_vectors = push.sample_vectors;
    uint first_sample = push.first_sample;
    uint stream = push.stream;
    uvec4 threshold = uvec4(push.threshold);
    uvec2 key = uvec2(scalars.seed_low, scalars.seed_high);
    uint step = scalars.step;

    uint word = 0;
    uint index = push.part.first + first;
    for (uint turn = 0; turn < DROPOUT_TURNS; turn++) {
        uint sample_index = divide(index, sample_vectors);
        uint vector = index - sample_index * sample_vectors.value;
        uvec4 words = philox(key, uvec4(vector, stream, first_sample + sample_index, step));
        bvec4 kept = greaterThanEqual(words >> 8, threshold);
        uvec4 bits = uvec4(kept) << (turn * 4 + uvec4(0, 1, 2, 3));
        word |= bits.x | bits.y | bits.z | bits.w;
        index += NEIGHBOURS;
    }
    STORE(mask, first < push.part.count, push.part.first / DROPOUT_TURNS + invocation, word)
    DROP(y, x, first, word)
}
