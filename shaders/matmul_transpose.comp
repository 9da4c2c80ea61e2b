#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Transposes some of a stack of matrices, [matrix][R][C] -> [matrix][C][R rounded up to 4], into panels (matmul.h):
 * weights by kernel position, [position][input channel][output channel], become those of the gradient to the input. An
 * invocation moves 4 x 4 elements; what is missing of the last four rows reads as 0.
 */
#include "matmul.h"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(constant_id = 0) const uint PANELS = 1; /* 0: the source lies row by row */

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Output
{
    vec4 y[];
};
layout(push_constant) uniform Push
{
    matmul_transpose_push push;
};

/* Where a vector of a matrix of `rows` x `columns` (in vectors) lies. */
uint place(uint row, uint column, uint rows, uint columns, bool panels)
{
    uint panel = panels ? column / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    uint width = panels ? min(MATMUL_PANEL / 4, columns - panel) : columns;
    return panel * rows + row * width + column - panel;
}

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint block = group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    bool exists = block < push.blocks;
    block = exists ? block : 0;

    uint line = divide(block, push.columns);
    uint column = block - line * push.columns.value;
    uint matrix = divide(line, push.rows);
    uint row = line - matrix * push.rows.value;
    uint matrix_row = divide(matrix, push.width);
    uint matrix_column = matrix - matrix_row * push.width.value;
    uint from_matrix = push.first - matrix_row * push.row_step - matrix_column * push.column_step;

    uint rows = push.source_rows;
    uint columns = push.columns.value;
    uint from = from_matrix * push.matrix_rows + row * 4;
    uint missing = row * 4 + 4 - min(push.matrix_rows, row * 4 + 4);
    vec4 x0 = imageLoad(x, int(place(from, column, rows, columns, PANELS == 1)));
    vec4 x1 = imageLoad(x, missing > 2 ? -1 : int(place(from + 1, column, rows, columns, PANELS == 1)));
    vec4 x2 = imageLoad(x, missing > 1 ? -1 : int(place(from + 2, column, rows, columns, PANELS == 1)));
    vec4 x3 = imageLoad(x, missing > 0 ? -1 : int(place(from + 3, column, rows, columns, PANELS == 1)));

    rows = push.count * columns * 4;
    uint to = (matrix * columns + column) * 4;
    if (exists) {
        y[place(to, row, rows, push.rows.value, true)] = vec4(x0.x, x1.x, x2.x, x3.x);
        y[place(to + 1, row, rows, push.rows.value, true)] = vec4(x0.y, x1.y, x2.y, x3.y);
        y[place(to + 2, row, rows, push.rows.value, true)] = vec4(x0.z, x1.z, x2.z, x3.z);
        y[place(to + 3, row, rows, push.rows.value, true)] = vec4(x0.w, x1.w, x2.w, x3.w);
    }
}
