/* Windows of the pools, and what an invocation makes of an image; main() is in lib/pool_main.glsl. */
#include "store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;

layout(constant_id = 0) const uint KERNEL_HEIGHT = 1;
layout(constant_id = 1) const uint KERNEL_WIDTH = 1;
layout(constant_id = 2) const uint STRIDE_HEIGHT = 1;
layout(constant_id = 3) const uint STRIDE_WIDTH = 1;
layout(constant_id = 4) const uint ALIGNED = 0; /* 1: a window begins where an invocation's columns do */

/* Windows that may cover one position, along a column. */
const uint COVER_HEIGHT = (KERNEL_HEIGHT + STRIDE_HEIGHT - 1) / STRIDE_HEIGHT;

PUSH(pool_push)

struct pool_position {
    uint sample_index, row, column, channel; /* the first column */
    uint line;                               /* row of all samples */
};

pool_position pool_locate(uint invocation)
{
    uint index = push.part.first + invocation;
    uint group = divide(index, push.channels);
    uint line = divide(group, push.groups);
    uint sample_index = divide(line, push.height);
    return pool_position(sample_index, line - sample_index * push.height.value,
                         (group - line * push.groups.value) * POOL_COLUMNS, index - group * push.channels.value, line);
}

/* The place of an invocation's first vector in the bound part, and how many vectors it makes. */
uvec2 pool_target(pool_position made, bool exists)
{
    uint at = (made.line * push.width + made.column) * push.channels.value + made.channel - push.made_first;
    return uvec2(at, exists ? push.width - made.column : 0);
}

/* Of column + i, in pool_main.glsl. */
#define POOL_PLACE(i) mix(NOWHERE, target.x + i * push.channels.value, i < target.y)
