/*
 * main() of batch_norm_forward and batch_norm_backward. The shader defines, before including this,
 *   RESULT                                              the OUTPUT() (store.glsl)
 *   push                                                batch_norm_block_push
 *   struct factors                                      what a vector of channels needs
 *   factors find_factors(uint shard, uint channel)
 *   vec4 make_vector(uint at, factors)                  vector `at` of the whole output
 *   SHORT_LINES                                         constant, 1: the last line of a shard is short
 */
layout(local_size_x = RANGE_LOCAL_SIZE) in;

#ifdef CPU
const uint NEIGHBOURS = LANES;
#else
const uint NEIGHBOURS = 1;
#endif

/* Where a lane's vector of a line goes, which begins at `to`; `made` vectors exist. */
uint place_of(uint line, uint lane, uint to, uint made)
{
    uint number = SHORT_LINES == 1 ? line * NEIGHBOURS + lane : line * NEIGHBOURS;
    return number < made ? to + lane : NOWHERE;
}

#define MAKE_LINE(line)                                                                                                \
    STORE_AT(RESULT, place_of(line, lane, to + line * step, made), make_vector(first + line * step, by))

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint index = group * RANGE_LOCAL_SIZE + gl_LocalInvocationID.x;
    uint step = push.line.value;
    uint block = divide(push.part.first + index, push.line);
    uint vector = push.part.first + index - block * step;
    uint shard = divide(block, push.blocks);
    uint chunk = block - shard * push.blocks.value;
    uint first = shard * push.shard_vectors + chunk * (push.block_lines * step) + vector;
    /* How many vectors a subgroup makes, line by line. */
    uint made = push.block_lines * NEIGHBOURS;
    if (chunk == push.blocks.value - 1) {
        made = (push.last_lines - 1) * NEIGHBOURS + min(max(push.last_line, vector) - vector, NEIGHBOURS);
    }
    made = uniform_number(index < push.part.count ? made : 0);
    uint to = uniform_number(first - push.made_first);
    factors by = find_factors(shard, vector - divide(vector, push.channels) * push.channels.value);
    MAKE_LINE(0) MAKE_LINE(1) MAKE_LINE(2) MAKE_LINE(3)
    MAKE_LINE(4) MAKE_LINE(5) MAKE_LINE(6) MAKE_LINE(7)
    MAKE_LINE(8) MAKE_LINE(9) MAKE_LINE(10) MAKE_LINE(11)
    MAKE_LINE(12) MAKE_LINE(13) MAKE_LINE(14) MAKE_LINE(15)
}
