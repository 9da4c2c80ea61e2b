/*
 * main() of kernels that make their output vector by vector. The shader defines, before including this,
 *   TURNS                              vectors an invocation makes, one after another: 1, 2, 4 or 8
 *   RESULT                             the OUTPUT() (lib/store.glsl)
 *   push.part                          what to make
 *   make_vector(uint index, uint at)   vector `index` of the whole output, `at` in the bound part
 */
layout(local_size_x = RANGE_LOCAL_SIZE) in;

/* Neighbours whose vectors lie side by side: 128 bytes, a cache line of GPUs; a register of CPUs. */
#ifdef CPU
const uint NEIGHBOURS = LANES;
#else
const uint NEIGHBOURS = 8;
#endif

#define MAKE_VECTOR(turn)                                                                                              \
    if (TURNS > turn) {                                                                                                \
        uint at = first + lane + turn * NEIGHBOURS;                                                                    \
        uint made = min(at, count - 1);                                                                                \
        STORE(RESULT, at < count, at, make_vector(push.part.first + made, made))                                       \
    }

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint count = push.part.count;
#ifdef CPU
    uint lane = gl_SubgroupInvocationID;
    uint neighbours = gl_SubgroupID;
#else
    uint lane = gl_LocalInvocationID.x % NEIGHBOURS;
    uint neighbours = gl_LocalInvocationID.x / NEIGHBOURS;
#endif
    /* What a subgroup of a CPU makes is one piece: its turns go through memory in order. */
    uint first = (group * (RANGE_LOCAL_SIZE / NEIGHBOURS) + neighbours) * (NEIGHBOURS * TURNS);
    MAKE_VECTOR(0)
    MAKE_VECTOR(1)
    MAKE_VECTOR(2)
    MAKE_VECTOR(3)
    MAKE_VECTOR(4)
    MAKE_VECTOR(5)
    MAKE_VECTOR(6)
    MAKE_VECTOR(7)
}
