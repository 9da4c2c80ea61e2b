/*
 * main() of kernels that make their output vector by vector. The shader defines, before including this,
 *   TURNS                              vectors an invocation makes, one after another: 1 where it loops itself
 *                                      (a CPU driver ends all loops of an invocation after 65,535 turns together)
 *   push.part                         what to make
 *   make_vector(uint index, uint at)   makes vector `index` of the whole output, at `at` in the bound part
 */
layout(local_size_x = RANGE_LOCAL_SIZE) in;

/* Neighbours whose vectors lie side by side: 128 bytes, a cache line of GPUs and a subgroup of CPUs. */
const uint NEIGHBOURS = 8;

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint lane = gl_LocalInvocationID.x;
    /* What a subgroup of a CPU makes is one piece: its turns go through memory in order. */
    uint first = group * (RANGE_LOCAL_SIZE * TURNS) + lane / NEIGHBOURS * (NEIGHBOURS * TURNS) + lane % NEIGHBOURS;
    for (uint turn = 0; turn < TURNS; turn++) {
        uint at = first + turn * NEIGHBOURS;
        if (at < push.part.count) {
            make_vector(push.part.first + at, at);
        }
    }
}
