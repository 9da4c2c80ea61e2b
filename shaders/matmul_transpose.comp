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

/*
 * A square of 4 x 4 blocks, so that neighbours write what lies side by side: the matrix of the result, and of the
 * source the first four rows and vector of columns.
 */
uvec3 find_square(uint square)
{
    uint line = divide(square, push.column_squares);
    uint matrix = divide(line, push.row_squares);
    return uvec3(matrix, (line - matrix * push.row_squares.value) * 4,
                 (square - line * push.column_squares.value) * 4);
}

void main()
{
    uint fours = (push.matrix_rows + 3) / 4;
    uint columns = push.columns;

    uint block = min(INVOCATION, push.blocks - 1);
    uvec3 square = find_square(block / 16);
    uint four = square.y + block % 4;
    uint column = square.z + block / 4 % 4;
    uint panel = square.y / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4);
    uint width = panel_width(panel, fours);
    bool exists = INVOCATION < push.blocks && four < fours && column < columns;
    uint target =
        exists ? panel * push.count * columns * 4 + (square.x * columns + column) * 4 * width + four - panel : NOWHERE;

    uint row = min(four, fours - 1);
    column = min(column, columns - 1);
    uint matrix_row = divide(square.x, push.width);
    uint matrix_column = square.x - matrix_row * push.width.value;
    uint from_matrix = push.first - matrix_row * push.row_step - matrix_column * push.column_step;

    uint rows = push.source_rows;
    uint from = from_matrix * push.matrix_rows + row * 4;
    uint missing = row * 4 + 4 - min(push.matrix_rows, row * 4 + 4);
    vec4 x0 = imageLoad(x, int(place(from, column, rows, columns, PANELS == 1)));
    vec4 x1 = imageLoad(x, missing > 2 ? -1 : int(place(from + 1, column, rows, columns, PANELS == 1)));
    vec4 x2 = imageLoad(x, missing > 1 ? -1 : int(place(from + 2, column, rows, columns, PANELS == 1)));
    vec4 x3 = imageLoad(x, missing > 0 ? -1 : int(place(from + 3, column, rows, columns, PANELS == 1)));

    STORE_AT(y, target, vec4(x0.x, x1.x, x2.x, x3.x))
    STORE_AT(y, target + width, vec4(x0.y, x1.y, x2.y, x3.y))
    STORE_AT(y, target + 2 * width, vec4(x0.z, x1.z, x2.z, x3.z))
    STORE_AT(y, target + 3 * width, vec4(x0.w, x1.w, x2.w, x3.w))
}
