/*
 * main() of batch_norm_forward and batch_norm_backward. The shader defines, before including this,
 *   RESULT                                              the OUTPUT() (store.glsl)
 *   push                                                batch_norm_block_push
 *   struct factors                                      what a vector of channels needs
 *   factors find_factors(uint shard, uint channel)
 *   vec4 make_vector(uint at, factors)                  vector `at` of the whole output
 */
layout(local_size_x = RANGE_LOCAL_SIZE) in;

#define MAKE_LINE(line) STORE(RESULT, line < lines, to + line * step, make_vector(first + line * step, by))

void main()
{
    uint index = INVOCATION;
    uint step = push.line.value;
    uint block = divide(push.part.first + index, push.line);
    uint vector = push.part.first + index - block * step;
    uint shard = divide(block, push.blocks);
    uint chunk = block - shard * push.blocks.value;
    uint first = shard * push.shard_vectors + chunk * (push.block_lines * step) + vector;
    /* That have a vector at this place: the last one of a shard may be short. */
    uint lines = push.block_lines;
    if (chunk == push.blocks.value - 1) {
        lines = push.last_lines - (vector < push.last_line ? 0 : 1);
    }
    lines = index < push.part.count ? lines : 0;
    uint to = first - push.made_first;
    factors by = find_factors(shard, vector - divide(vector, push.channels) * push.channels.value);
    MAKE_LINE(0) MAKE_LINE(1) MAKE_LINE(2) MAKE_LINE(3)
    MAKE_LINE(4) MAKE_LINE(5) MAKE_LINE(6) MAKE_LINE(7)
    MAKE_LINE(8) MAKE_LINE(9) MAKE_LINE(10) MAKE_LINE(11)
    MAKE_LINE(12) MAKE_LINE(13) MAKE_LINE(14) MAKE_LINE(15)
}
