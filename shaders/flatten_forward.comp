#version 450
#extension GL_GOOGLE_include_directive : require
/* From channels-last memory to a vector in PyTorch's order (C, H, W), four elements at a time. */
#include "flatten.h"
#include "lib/store.glsl"

layout(binding = 0, r32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)
PUSH(flatten_push)

vec4 make_vector(uint index, uint at)
{
    uint sample_index = divide(index, push.sample_vectors);
    uint element = (index - sample_index * push.sample_vectors.value) * 4;
    uint outer = divide(element, push.inner);
    uint inner = element - outer * push.inner.value;
    uint start = sample_index * push.sample_floats;
    vec4 value = vec4(0);
    for (uint i = 0; i < 4; i++) {
        if (element + i < push.count) {
            value[i] = imageLoad(x, int(start + outer * push.outer_step + inner * push.inner_step)).x;
        }
        inner++;
        if (inner == push.inner.value) {
            inner = 0;
            outer++;
        }
    }
    return value;
}

#define TURNS 1
#define RESULT y
#include "lib/each_vector.glsl"
