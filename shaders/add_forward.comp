#version 450
#extension GL_GOOGLE_include_directive : require
/* y = ((x0 + x1) + x2) + ..., then the epilogue; bindings beyond the inputs there are hold the first one again and are not read. */
#include "add.h"
#define EPILOGUE_ID 1
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(constant_id = 0) const uint INPUTS = 2;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x0;
layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer x1;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer x2;
layout(binding = 3, rgba32f) readonly restrict uniform imageBuffer x3;
layout(binding = 4, rgba32f) readonly restrict uniform imageBuffer x4;
layout(binding = 5, rgba32f) readonly restrict uniform imageBuffer x5;
layout(binding = 6, rgba32f) readonly restrict uniform imageBuffer x6;
layout(binding = 7, rgba32f) readonly restrict uniform imageBuffer x7;
OUTPUT(8, y)
PUSH(add_push)

#define ADD_NEXT(i) \
    if (INPUTS > i) { \
        sum += imageLoad(x##i, int(at)); \
    }

vec4 make_vector(uint index, uint at)
{
    vec4 sum = imageLoad(x0, int(at)) + imageLoad(x1, int(at));
    ADD_NEXT(2)
    ADD_NEXT(3)
    ADD_NEXT(4)
    ADD_NEXT(5)
    ADD_NEXT(6)
    ADD_NEXT(7)
    sum = epilogue_apply(sum);
    return map_moves_zero(EPILOGUE_MAP) ? map_without_padding(sum, index, push.channels) : sum;
}

#define TURNS ADD_TURNS
#define RESULT y
#include "lib/each_vector.glsl"
