#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Rows of a matrix cut into panels, one behind the other: [row][column] -> [panel][row][column of the panel], zeros behind
 * the last column. A tile of matmul_columns then reads memory from one end to the other instead of a piece of every row.
 */
#include "matmul.h"

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    matmul_pack_push push;
};

void make_vector(uint index, uint at)
{
    uint line = divide(index, push.width);
    uint panel = divide(line, push.rows);
    uint row = line - panel * push.rows.value;
    uint column = index - line * push.width.value + panel * push.width.value;
    y[at] = imageLoad(x, column < push.columns ? int(row * push.columns + column) : -1);
}

#define TURNS 1
#include "lib/each_vector.glsl"
