/*
 * main() of the pools: an invocation makes one vector of channels at POOL_COLUMNS neighbouring columns. The window is
 * given by specialization constants, because loops of a known length are three times as fast on CPUs. The shader
 * defines, behind this, make_vector(row, column, start, channel, at): `start` is the first position of the sample in
 * what is read, `at` the place of the vector in the bound part of what is made.
 */
layout(local_size_x = RANGE_LOCAL_SIZE) in;

layout(constant_id = 0) const uint KERNEL_HEIGHT = 1;
layout(constant_id = 1) const uint KERNEL_WIDTH = 1;
layout(constant_id = 2) const uint STRIDE_HEIGHT = 1;
layout(constant_id = 3) const uint STRIDE_WIDTH = 1;
layout(constant_id = 4) const uint EXACT = 0; /* 1: the width is a multiple of POOL_COLUMNS */

/* Windows that may cover one position, along an axis. */
const uint COVER_HEIGHT = (KERNEL_HEIGHT + STRIDE_HEIGHT - 1) / STRIDE_HEIGHT;
const uint COVER_WIDTH = (KERNEL_WIDTH + STRIDE_WIDTH - 1) / STRIDE_WIDTH;

layout(push_constant) uniform Push
{
    pool_push push;
};

void make_vector(uint row, uint column, uint start, uint channel, uint at);

void main()
{
    uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint invocation = workgroup * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    if (invocation >= push.part.count) {
        return;
    }
    uint index = push.part.first + invocation;
    uint group = divide(index, push.channels);
    uint channel = index - group * push.channels.value;
    uint line = divide(group, push.groups);
    uint column = (group - line * push.groups.value) * POOL_COLUMNS;
    uint sample_index = divide(line, push.height);
    uint row = line - sample_index * push.height.value;
    uint start = sample_index * push.read_height * push.read_width;
    uint at = (line * push.width + column) * push.channels.value + channel - push.made_first;
    for (uint i = 0; i < POOL_COLUMNS; i++) {
        if (EXACT == 1 || column + i < push.width) {
            make_vector(row, column + i, start, channel, at + i * push.channels.value);
        }
    }
}
