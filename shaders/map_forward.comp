#version 450
#extension GL_GOOGLE_include_directive : require
/* y = f(x), element by element; f is a specialization constant. */
#define EPILOGUE_ID 2
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(constant_id = 0) const uint FUNCTION = MAP_COPY;
layout(constant_id = 1) const float SLOPE = 0.0;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)
PUSH(map_push)

vec4 make_vector(uint index, uint at)
{
    vec4 value = epilogue_apply(map_apply(FUNCTION, SLOPE, imageLoad(x, int(at))));
    if (map_moves_zero(FUNCTION) || map_moves_zero(EPILOGUE_MAP)) {
        value = map_without_padding(value, index, push.channels);
    }
    return value;
}

#define TURNS MAP_TURNS
#define RESULT y
#include "lib/each_vector.glsl"
