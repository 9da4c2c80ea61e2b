#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * y[row][n] = sum over k of left[row][k] * right[k][n] (+ bias[n]), then the epilogue
 *
 * left: gathered (lib/gather.glsl), so that this is a matrix product, a convolution, the gradient of either to its
 * input, and a transposed convolution. right: as LAYOUT says (matmul.h). y: rows of columns rounded up to 4, the
 * padding zero.
 *
 * A workgroup makes a tile (lib/tile.glsl); the sum over k runs in one order whatever the tile and the number of rows.
 * Behind the last k the left operand reads as 0.
 */
#include "matmul.h"
#include "lib/gather.glsl"
layout(constant_id = 5) const uint HEIGHT = 16; /* or 32 */
layout(constant_id = 6) const uint COLUMN_LANES = 8;
layout(constant_id = 10) const uint TOGETHER = 0; /* 1: the depth has too many turns for loops in them */
#define TILE_TOGETHER TOGETHER == 1
#include "lib/tile.glsl"
#define EPILOGUE_ID 7
#define EPILOGUE_ROWS 4
#define EPILOGUE_RESIDUAL 5
#include "lib/epilogue.glsl"

layout(constant_id = 2) const uint HAS_BIAS = 0;
layout(constant_id = 3) const uint LAYOUT = RIGHT_PANELS;
layout(constant_id = 4) const uint SCATTER = 0; /* 1: results go to every stride-th position of an image */

layout(binding = 1, rgba32f) readonly restrict uniform imageBuffer right;
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer bias; /* not read without HAS_BIAS */
OUTPUT(3, y)
PUSH(matmul_rows_push)

/*
 * How a group's lanes hold the left operand for 16 products. Windows of an image: each lane a row's four vectors, row
 * for row. A matrix: four lanes a row's four vectors, for these lie side by side in memory, and are loaded as they lie.
 */
const uint WINDOW_SETS = HEIGHT / COLUMN_LANES; /* rows that all lanes hold are a set */
const uint MATRIX_SETS = WINDOW_SETS * 4;

/* Sums of four rows, from four lanes: 16 products. */
#define ADD_FOUR(s0, s1, s2, s3, a0, a1, a2, a3, l0, l1, l2, l3)                                                       \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.x, l0, l1, l2, l3, b0)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.y, l0, l1, l2, l3, b1)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.z, l0, l1, l2, l3, b2)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a0.w, l0, l1, l2, l3, b3)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.x, l0, l1, l2, l3, b4)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.y, l0, l1, l2, l3, b5)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.z, l0, l1, l2, l3, b6)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a1.w, l0, l1, l2, l3, b7)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.x, l0, l1, l2, l3, b8)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.y, l0, l1, l2, l3, b9)                                                           \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.z, l0, l1, l2, l3, b10)                                                          \
    TILE_ADD_LANES(s0, s1, s2, s3, a2.w, l0, l1, l2, l3, b11)                                                          \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.x, l0, l1, l2, l3, b12)                                                          \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.y, l0, l1, l2, l3, b13)                                                          \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.z, l0, l1, l2, l3, b14)                                                          \
    TILE_ADD_LANES(s0, s1, s2, s3, a3.w, l0, l1, l2, l3, b15)                                                          

#define DECLARE(i) vec4 s##i = vec4(0);
#define DECLARE_RIGHT(i) vec4 b##i;
#define LOAD_RIGHT(i) b##i = imageLoad(right, at + i * width);
/* Four products' right operands from the transpose, where a column of them is a vector. */
#define LOAD_COLUMNS(i, x0, x1, x2, x3)                                                                                \
    {                                                                                                                  \
        vec4 c0 = imageLoad(right, at + i);                                                                            \
        vec4 c1 = imageLoad(right, at + i + width);                                                                    \
        vec4 c2 = imageLoad(right, at + i + 2 * width);                                                                \
        vec4 c3 = imageLoad(right, at + i + 3 * width);                                                                \
        x0 = vec4(c0.x, c1.x, c2.x, c3.x);                                                                             \
        x1 = vec4(c0.y, c1.y, c2.y, c3.y);                                                                             \
        x2 = vec4(c0.z, c1.z, c2.z, c3.z);                                                                             \
        x3 = vec4(c0.w, c1.w, c2.w, c3.w);                                                                             \
    }
/* The i-th four rows of windows, which begin at a multiple of 4 of lanes: left operands from the set where they are. */
#define ADD_WINDOW_ROWS(s0, s1, s2, s3, i, half_i, quarter_i, l0, l1, l2, l3)                                          \
    {                                                                                                                  \
        vec4 x0, x1, x2, x3;                                                                                           \
        if (COLUMN_LANES == 16) {                                                                                      \
            x0 = a##quarter_i##0, x1 = a##quarter_i##1, x2 = a##quarter_i##2, x3 = a##quarter_i##3;                    \
        } else if (COLUMN_LANES == 8) {                                                                                \
            x0 = a##half_i##0, x1 = a##half_i##1, x2 = a##half_i##2, x3 = a##half_i##3;                                \
        } else {                                                                                                       \
            x0 = a##i##0, x1 = a##i##1, x2 = a##i##2, x3 = a##i##3;                                                    \
        }                                                                                                              \
        ADD_FOUR(s0, s1, s2, s3, x0, x1, x2, x3, l0, l1, l2, l3)                                                       \
    }
/* Of a matrix: they are a set where groups have 16 lanes, two or four where these have 8 or 4. */
#define ADD_MATRIX_ROWS(s0, s1, s2, s3, i, half0, half1, quarter0, quarter1, quarter2, quarter3)                       \
    {                                                                                                                  \
        vec4 x0, x1, x2, x3;                                                                                           \
        if (COLUMN_LANES == 16) {                                                                                      \
            x0 = m##i, x1 = m##i, x2 = m##i, x3 = m##i;                                                                \
        } else if (COLUMN_LANES == 8) {                                                                                \
            x0 = m##half0, x1 = m##half0, x2 = m##half1, x3 = m##half1;                                                \
        } else {                                                                                                       \
            x0 = m##quarter0, x1 = m##quarter1, x2 = m##quarter2, x3 = m##quarter3;                                    \
        }                                                                                                              \
        ADD_VECTOR(s0, s1, s2, s3, lane0, lane4, lane8, lane12, b0, b1, b2, b3)                                        \
        ADD_VECTOR(s0, s1, s2, s3, lane1, lane5, lane9, lane13, b4, b5, b6, b7)                                        \
        ADD_VECTOR(s0, s1, s2, s3, lane2, lane6, lane10, lane14, b8, b9, b10, b11)                                     \
        ADD_VECTOR(s0, s1, s2, s3, lane3, lane7, lane11, lane15, b12, b13, b14, b15)                                   \
    }
#define ADD_VECTOR(s0, s1, s2, s3, l0, l1, l2, l3, b0, b1, b2, b3)                                                     \
    ADD_PRODUCT(s0, s1, s2, s3, x, l0, l1, l2, l3, b0)                                                                 \
    ADD_PRODUCT(s0, s1, s2, s3, y, l0, l1, l2, l3, b1)                                                                 \
    ADD_PRODUCT(s0, s1, s2, s3, z, l0, l1, l2, l3, b2)                                                                 \
    ADD_PRODUCT(s0, s1, s2, s3, w, l0, l1, l2, l3, b3)
#define ADD_PRODUCT(s0, s1, s2, s3, c, l0, l1, l2, l3, right)                                                          \
    TILE_ADD(s0, x0.c, l0, right)                                                                                      \
    TILE_ADD(s1, x1.c, l1, right)                                                                                      \
    TILE_ADD(s2, x2.c, l2, right)                                                                                      \
    TILE_ADD(s3, x3.c, l3, right)
/* Either. */
#define ADD_ROWS(s0, s1, s2, s3, i, half_i, quarter_i, l0, l1, l2, l3, half0, half1, quarter0, quarter1, quarter2,     \
                 quarter3)                                                                                             \
    if (GATHER == GATHER_ROWS) {                                                                                       \
        ADD_MATRIX_ROWS(s0, s1, s2, s3, i, half0, half1, quarter0, quarter1, quarter2, quarter3)                       \
    } else {                                                                                                           \
        ADD_WINDOW_ROWS(s0, s1, s2, s3, i, half_i, quarter_i, l0, l1, l2, l3)                                          \
    }

#define FIND_WINDOW(set)                                                                                               \
    gather_row row##set;                                                                                               \
    if (GATHER != GATHER_ROWS && WINDOW_SETS > set) {                                                                  \
        uint found = first_row + set * COLUMN_LANES + lane;                                                            \
        row##set = gather_find(found, found < end_row, skipped, from);                                                 \
    }
#define LOAD_WINDOW(set)                                                                                               \
    vec4 a##set##0, a##set##1, a##set##2, a##set##3;                                                                   \
    if (GATHER != GATHER_ROWS && WINDOW_SETS > set) {                                                                  \
        gather_load_four(row##set, step, step1, step2, step3, from, a##set##0, a##set##1, a##set##2, a##set##3);       \
    }
#define EACH_WINDOW_SET(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define LOAD_MATRIX(set)                                                                                               \
    vec4 m##set;                                                                                                       \
    if (GATHER == GATHER_ROWS && MATRIX_SETS > set) {                                                                  \
        uint found = first_row + set * (COLUMN_LANES / 4) + lane / 4;                                                  \
        m##set = gather_load_row(found, found < end_row, skipped, step.channel, from.channels);                        \
    }
#define EACH_MATRIX_SET(X) TILE_UPPER(X) TILE_LOWER(X)
#define LINE(i) find_line(first_row + i, end_row, from, columns, product)
#define STORE_ROW(i)                                                                                                   \
    TILE_STORE(y, mix(vec4(0), epilogue_apply(s##i + offset, rows, own + i * columns), inside), LINE, i)

/* Vector of the output at which a row goes that was made for some of an image's positions. */
uint find_place(uint row, gather_sizes from, scatter places, uint columns)
{
    uint line = divide(row, from.made_width);
    uint sample_index = divide(line, from.made_height);
    uint x = (row - line * from.made_width.value) * pair_width(places.stride) + pair_width(places.first);
    uint y = (line - sample_index * from.made_height.value) * pair_height(places.stride) + pair_height(places.first);
    sample_index -= places.first_sample;
    return ((sample_index * pair_height(places.size) + y) * pair_width(places.size) + x) * columns;
}

/* Vector of the output at which a row begins; `product`: where that one of a batch does. */
uint find_line(uint row, uint end_row, gather_sizes from, uint columns, uint product)
{
    uint place = SCATTER == 1 ? find_place(row, from, push.places, columns) : (row - push.first_row) * columns + product;
    return mix(TILE_NOWHERE, place, row < end_row); /* no branch */
}

void main()
{
    TILE_LANES
    gather_sizes from = gather_unpack(push.left);
    uint end_row = push.end_row;
    uint columns = (push.columns + 3) / 4;
    uint depth = push.depth;
    matmul_batch batch = matmul_batch_of(push.places, SCATTER == 1);

    uvec2 tile = tile_place(push.order);
    uint first_row = push.first_row + (tile.x * TILE_GROUPS + group_lane / COLUMN_LANES) * HEIGHT;
    uint column = tile.y * COLUMN_LANES + lane;

    uint panel =
        LAYOUT == RIGHT_PANELS ? tile.y * COLUMN_LANES / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4) : 0;
    int width = int(LAYOUT == RIGHT_PANELS ? min(MATMUL_PANEL / 4, columns - panel) : columns);
    int right_skipped = int(gl_WorkGroupID.z * batch.right);
    int at = int(panel * depth * 4 + column - panel) + right_skipped;
    int skipped = int(gl_WorkGroupID.z * batch.left);

    EACH_WINDOW_SET(FIND_WINDOW)
    gather_step step = gather_begin(GATHER == GATHER_ROWS ? lane % 4 : 0, from);
    TILE_UPPER(DECLARE)
    TILE_LOWER(DECLARE)
    uint k = 0;
    for (; k < depth;) {
        gather_step step1, step2, step3;
        if (GATHER != GATHER_ROWS) {
            step1 = step;
            gather_advance(step1, 1, from);
            step2 = step1;
            gather_advance(step2, 1, from);
            step3 = step2;
            gather_advance(step3, 1, from);
        }
        EACH_WINDOW_SET(LOAD_WINDOW)
        EACH_MATRIX_SET(LOAD_MATRIX)
        if (GATHER == GATHER_ROWS || WHOLE == 1) {
            gather_advance(step, 4, from);
        } else {
            gather_advance(step3, 1, from);
            step = step3;
        }
        TILE_UPPER(DECLARE_RIGHT)
        if (LAYOUT == RIGHT_TRANSPOSED) {
            /* Its panels are of k, and their rows are our columns. */
            uint first_k = k / (MATMUL_PANEL / 4) * (MATMUL_PANEL / 4);
            width = int(min(MATMUL_PANEL / 4, depth - first_k));
            at = int(first_k * 4 * columns + k - first_k) + int(column * 4) * width + right_skipped;
            LOAD_COLUMNS(0, b0, b1, b2, b3)
            LOAD_COLUMNS(1, b4, b5, b6, b7)
            LOAD_COLUMNS(2, b8, b9, b10, b11)
            LOAD_COLUMNS(3, b12, b13, b14, b15)
        } else {
            TILE_UPPER(LOAD_RIGHT)
        }
        TILE_APART(0, ADD_ROWS(s0, s1, s2, s3, 0, 0, 0, lane0, lane1, lane2, lane3,
                               0, 1, 0, 1, 2, 3))
        TILE_APART(1, ADD_ROWS(s4, s5, s6, s7, 1, 0, 0, lane4, lane5, lane6, lane7,
                               2, 3, 4, 5, 6, 7))
        TILE_APART(2, ADD_ROWS(s8, s9, s10, s11, 2, 1, 0, lane8, lane9, lane10, lane11,
                               4, 5, 8, 9, 10, 11))
        TILE_APART(3, ADD_ROWS(s12, s13, s14, s15, 3, 1, 0, lane12, lane13, lane14, lane15,
                               6, 7, 12, 13, 14, 15))
        if (HEIGHT == 32) {
            TILE_APART(4, ADD_ROWS(s16, s17, s18, s19, 4, 2, 1, lane0, lane1, lane2, lane3,
                                   8, 9, 16, 17, 18, 19))
            TILE_APART(5, ADD_ROWS(s20, s21, s22, s23, 5, 2, 1, lane4, lane5, lane6, lane7,
                                   10, 11, 20, 21, 22, 23))
            TILE_APART(6, ADD_ROWS(s24, s25, s26, s27, 6, 3, 1, lane8, lane9, lane10, lane11,
                                   12, 13, 24, 25, 26, 27))
            TILE_APART(7, ADD_ROWS(s28, s29, s30, s31, 7, 3, 1, lane12, lane13, lane14, lane15,
                                   14, 15, 28, 29, 30, 31))
        }
        at += MATMUL_STEP * width;
        k += MATMUL_STEP / 4;
        if (k >= depth) {
            break;
        }
    }

    bvec4 inside = lessThan(uvec4(column * 4) + uvec4(0, 1, 2, 3), uvec4(push.columns));
    epilogue rows = epilogue_load(column, columns);
    vec4 offset = HAS_BIAS == 1 ? imageLoad(bias, int(column)) : vec4(0);

    uint own = first_row * columns + column; /* a lane's first vector of the whole output, without SCATTER */
    uint first_column = tile.y * COLUMN_LANES;
    uint product = gl_WorkGroupID.z * batch.result;
    TILE_COLUMN
    TILE_UPPER(STORE_ROW)
    if (HEIGHT == 32) {
        TILE_LOWER(STORE_ROW)
    }
}
