/*
 * main() of the pools: an invocation makes one vector of channels at POOL_COLUMNS neighbouring columns. The window is
 * given by specialization constants, because loops of a known length are three times as fast on CPUs. The shader
 * defines, before including this, MAKE(i), which stores at POOL_PLACE(i) what it makes of column + i, and PREPARE, what
 * comes before: from row, column, channel and `start`, the first position of the sample in what is read.
 */
void main()
{
    pool_position made = pool_locate(min(INVOCATION, push.part.count - 1));
    uvec2 target = pool_target(made, INVOCATION < push.part.count);
    uint row = made.row;
    uint column = made.column;
    uint channel = made.channel;
    uint start = made.sample_index * push.read_height * push.read_width;
    PREPARE
    MAKE(0)
    MAKE(1)
    MAKE(2)
    MAKE(3)
}
