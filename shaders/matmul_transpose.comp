#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Transposes some of a stack of matrices, [matrix][R][C] -> [matrix][C][R rounded up to 4], into panels (matmul.h):
 * weights by kernel position, [position][input channel][output channel], become those of the gradient to the input. An
 * invocation moves 4 x 4 elements; what is missing of the last four rows reads as 0.
 */
#include "matmul.h"
#include "lib/store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(constant_id = 0) const uint PANELS = 1; /* 0: the source lies row by row */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
OUTPUT(1, y)
PUSH(matmul_transpose_push)

uint panel_width(uint panel, uint columns)
{
    return min(MATMUL_PANEL / 4, columns - panel);
}

/* Where a vector of a matrix of `columns` vectors lies. */
uint place(uint row, uint column, uint rows, uint columns, bool panels)
{
    uint panel = panels ? column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = panels ? panel_width(panel, columns) : columns;
    return panel * rows + row * width + column - panel;
}

/* Of the source: matrix of the result, fours of rows, vector of columns. */
uvec3 find_block(uint block)
{
    uint line = divide(block, push.columns);
    uint matrix = divide(line, push.rows);
    return uvec3(matrix, line - matrix * push.rows.value, block - line * push.columns.value);
}

/* Where the first of a block's rows goes, and how far on the next one. */
uvec2 find_target(uint block)
{
    uvec3 found = find_block(block);
    uint columns = push.columns.value;
    uint panel = found.y / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4);
    uint width = panel_width(panel, push.rows.value);
    uint to = (found.x * columns + found.z) * 4;
    uint at = panel * push.count * columns * 4 + to * width + found.y - panel;
    return uvec2(mix(NOWHERE, at, block < push.blocks), width);
}

void main()
{
    PER_LANE(uvec2, targets, find_target, FIRST_INDEX)
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uvec3 found = find_block(min(group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x, push.blocks - 1));
    uint row = found.y;
    uint column = found.z;
    uint matrix_row = divide(found.x, push.width);
    uint matrix_column = found.x - matrix_row * push.width.value;
    uint from_matrix = push.first - matrix_row * push.row_step - matrix_column * push.column_step;

    uint rows = push.source_rows;
    uint columns = push.columns.value;
    uint from = from_matrix * push.matrix_rows + row * 4;
    uint missing = row * 4 + 4 - min(push.matrix_rows, row * 4 + 4);
    vec4 x0 = imageLoad(x, int(place(from, column, rows, columns, PANELS == 1)));
    vec4 x1 = imageLoad(x, missing > 2 ? -1 : int(place(from + 1, column, rows, columns, PANELS == 1)));
    vec4 x2 = imageLoad(x, missing > 1 ? -1 : int(place(from + 2, column, rows, columns, PANELS == 1)));
    vec4 x3 = imageLoad(x, missing > 0 ? -1 : int(place(from + 3, column, rows, columns, PANELS == 1)));

    STORE_AT(y, targets[lane].x, vec4(x0.x, x1.x, x2.x, x3.x))
    STORE_AT(y, targets[lane].x + targets[lane].y, vec4(x0.y, x1.y, x2.y, x3.y))
    STORE_AT(y, targets[lane].x + 2 * targets[lane].y, vec4(x0.z, x1.z, x2.z, x3.z))
    STORE_AT(y, targets[lane].x + 3 * targets[lane].y, vec4(x0.w, x1.w, x2.w, x3.w))
}
