#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Kernels for the 36 products of the gradient to the input: as winograd_weight makes them, from weights whose inputs and
 * outputs change places and whose positions come in reverse. An invocation takes four inputs and four outputs.
 */
#include "winograd.h"
#include "lib/store.glsl"
#include "lib/winograd.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer weights;
OUTPUT(1, products)
PUSH(winograd_transposed_push)

/* Four inputs of a kernel position, each with four outputs. */
#define LOAD(i, j)                                                                                                     \
    int at##i##j = from + (8 - (i * 3 + j)) * step;                                                                    \
    vec4 x##i##j = imageLoad(weights, at##i##j);                                                                       \
    vec4 y##i##j = imageLoad(weights, at##i##j + width);                                                               \
    vec4 z##i##j = imageLoad(weights, at##i##j + 2 * width);                                                           \
    vec4 w##i##j = imageLoad(weights, at##i##j + 3 * width);
#define TAKE(i, j, c) vec4 g##i##j = vec4(x##i##j.c, y##i##j.c, z##i##j.c, w##i##j.c);
#define TAKE_ROW(i, c)                                                                                                 \
    TAKE(i, 0, c) TAKE(i, 1, c) TAKE(i, 2, c)                                                                          \
    vec4 r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5;                                                         \
    winograd_weight(g##i##0, g##i##1, g##i##2, r##i##0, r##i##1, r##i##2, r##i##3, r##i##4, r##i##5);
#define WRITE(i, j) STORE_AT(products, to + (i * 6 + j) * count, u##i##j)
#define WRITE_COLUMN(j)                                                                                                \
    vec4 u0##j, u1##j, u2##j, u3##j, u4##j, u5##j;                                                                     \
    winograd_weight(r0##j, r1##j, r2##j, u0##j, u1##j, u2##j, u3##j, u4##j, u5##j);                                    \
    WRITE(0, j) WRITE(1, j) WRITE(2, j) WRITE(3, j) WRITE(4, j) WRITE(5, j)
/* One of the outputs: a row of each product. */
#define MAKE(c)                                                                                                        \
    {                                                                                                                  \
        TAKE_ROW(0, c) TAKE_ROW(1, c) TAKE_ROW(2, c)                                                                   \
        WRITE_COLUMN(0) WRITE_COLUMN(1) WRITE_COLUMN(2) WRITE_COLUMN(3) WRITE_COLUMN(4) WRITE_COLUMN(5)                \
        to += row;                                                                                                     \
    }

uint panel_of(uint vector)
{
    return vector / WINOGRAD_PANEL * WINOGRAD_PANEL;
}

void main()
{
    /* Neighbours make a row of a panel of each product, so that they write what lies side by side. */
    uint line = INVOCATION / WINOGRAD_PANEL;
    uint panel_number = divide(line, push.outputs);
    uint output_vector = line - panel_number * push.outputs.value;
    uint panel = panel_number * WINOGRAD_PANEL;
    uint input_vector = panel + INVOCATION % WINOGRAD_PANEL;
    uint inputs = push.inputs;
    uint outputs = push.outputs.value;
    uint count = push.count;
    uint row = min(WINOGRAD_PANEL, inputs - min(panel, inputs));
    uint to = input_vector < inputs ? panel * outputs * 4 + output_vector * 4 * row + input_vector - panel : NOWHERE;

    uint source = panel_of(output_vector);
    int width = int(min(WINOGRAD_PANEL, outputs - source));
    int step = int(inputs) * 4 * width; /* from one kernel position to the next */
    int from = int(source * 36 * inputs) + int(min(input_vector, inputs - 1) * 4) * width + int(output_vector - source);

    LOAD(0, 0) LOAD(0, 1) LOAD(0, 2)
    LOAD(1, 0) LOAD(1, 1) LOAD(1, 2)
    LOAD(2, 0) LOAD(2, 1) LOAD(2, 2)
    MAKE(x) MAKE(y) MAKE(z) MAKE(w)
}
