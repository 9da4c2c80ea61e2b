#version 450
#extension GL_GOOGLE_include_directive : require
/* Sums over chunks of a group's rows, times a scale, then the epilogue: [group][chunk][column] from [group][row][column].
 */
#include "reduce.h"
#define EPILOGUE_ID 0
#define EPILOGUE_ROWS 2
#define EPILOGUE_RESIDUAL 3
#include "lib/epilogue.glsl"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer rows;
OUTPUT(1, sums)
PUSH(reduce_rows_push)

vec4 make_vector(uint index, uint at)
{
    uint chunk = divide(index, push.stride);
    uint group = divide(chunk, push.chunks);
    uint first = (chunk - group * push.chunks.value) * push.chunk_rows;
    uint count = min(push.chunk_rows, push.group_rows - first);
    uint from = (group * push.group_rows + first) * push.stride.value + index - chunk * push.stride.value;
    vec4 sum = vec4(0);
    for (uint i = 0; i < count; i++) {
        sum += imageLoad(rows, int(from));
        from += push.stride.value;
    }
    sum *= push.scale;
    if (EPILOGUE_STEPS != 0 || EPILOGUE_MAP != MAP_COPY) {
        uint column = index - divide(index, push.channels.stride) * push.channels.stride.value;
        sum = map_without_padding(epilogue_apply(sum, epilogue_load(column, push.channels.stride.value), index), index,
                                  push.channels);
    }
    return sum;
}

#define TURNS 1
#define RESULT sums
#include "lib/each_vector.glsl"
