/*
 * What conv2d_grouped_forward and conv2d_grouped_backward share: they make an image, an invocation four channels of
 * GROUPED_BLOCK neighbouring columns.
 */
#include "grouped.glsl"
#include "store.glsl"

PUSH(conv2d_grouped_push)

struct block {
    uint line, first, vector; /* row of all lines that are made; the first column */
};

block find_block(uint index)
{
    uint number = divide(index, push.made_vectors);
    uint line = divide(number, push.made_blocks);
    return block(line, (number - line * push.made_blocks.value) * GROUPED_BLOCK,
                 index - number * push.made_vectors.value);
}

/* The place of an invocation's first vector, and how many columns it makes. */
uvec2 find_target(block made, bool exists)
{
    uint to = (made.line * push.made_width + made.first) * push.made_vectors.value + made.vector;
    return uvec2(to, exists ? push.made_width - made.first : 0);
}

/* Of column t. */
#define MADE_PLACE(t) mix(NOWHERE, target.x + t * push.made_vectors.value, t < target.y)
