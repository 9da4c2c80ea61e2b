#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = (dy + addend) f'(x), with f' from y = f(x): x itself need not be kept. */
#include "lib/map.glsl"
#include "lib/store.glsl"

layout(constant_id = 0) const uint FUNCTION = MAP_COPY;
layout(constant_id = 1) const float SLOPE = 0.0;
layout(constant_id = 2) const uint HAS_ADDEND = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer y;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
OUTPUT(2, dx)
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer addend; /* not read without HAS_ADDEND */
PUSH(map_push)

vec4 make_vector(uint index, uint at)
{
    vec4 gradient = imageLoad(dy, int(at));
    if (HAS_ADDEND == 1) {
        gradient += imageLoad(addend, int(at));
    }
    return map_derivative(FUNCTION, SLOPE, imageLoad(y, int(at)), gradient);
}

#define TURNS MAP_TURNS
#define RESULT dx
#include "lib/each_vector.glsl"
