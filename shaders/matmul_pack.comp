#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Rows of a matrix cut into panels, one behind the other: [row][column] -> [panel][row][column of the panel], zeros
 * behind the last column. A tile of matmul_columns then reads memory from one end to the other instead of a piece of
 * every row.
 */
#include "matmul.h"
#include "lib/store.glsl"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)
PUSH(matmul_pack_push)

vec4 make_vector(uint index, uint at)
{
    uint line = divide(index, push.width);
    uint panel = divide(line, push.rows);
    uint row = line - panel * push.rows.value;
    uint column = index - line * push.width.value + panel * push.width.value;
    return imageLoad(x, column < push.columns ? int(row * push.columns + column) : -1);
}

#define TURNS MATMUL_PACK_TURNS
#define RESULT y
#include "lib/each_vector.glsl"
