#version 450
#extension GL_GOOGLE_include_directive : require
/* dx = (dy + addend) f'(x), with f' from y = f(x): x itself need not be kept. */
#include "lib/map.glsl"

layout(constant_id = 0) const uint FUNCTION = MAP_COPY;
layout(constant_id = 1) const float SLOPE = 0.0;
layout(constant_id = 2) const uint HAS_ADDEND = 0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer y;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer dy;
layout(std430, binding = 2) writeonly restrict buffer Gradient
{
    vec4 dx[];
};
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer addend; /* not read without HAS_ADDEND */
layout(push_constant) uniform Push
{
    map_push push;
};

void make_vector(uint index, uint at)
{
    vec4 gradient = imageLoad(dy, int(at));
    if (HAS_ADDEND == 1) {
        gradient += imageLoad(addend, int(at));
    }
    dx[at] = map_derivative(FUNCTION, SLOPE, imageLoad(y, int(at)), gradient);
}

#define TURNS MAP_TURNS
#include "lib/each_vector.glsl"
