/* Where kernels find, and write, the tiles that they make. */
#include "lib/winograd_image.glsl"

/*
 * 0: tiles lie as [product][tile][vector]. Else, in the order in which winograd_weight_sums reads them, as
 * [block][set][turn][product][row][shard of set][vector of block]: blocks of so many vectors, sets of SET shards, turns
 * of ROWS tiles of a shard. What is not there, in the last of each, is zero.
 */
layout(constant_id = 0) const uint BLOCK = 0;
layout(constant_id = 1) const uint SET = 1;
const uint ROWS = WINOGRAD_SUMS_ROWS;

const uint FAR_BELOW = 1 << 20;

/* What an invocation makes: the first of its products goes to vector `to`, each other `step` behind the one before. */
struct made_tile {
    spot at; /* FAR_BELOW the image if nothing is there */
    uint to, step;
};

made_tile find_tile(uint index)
{
    made_tile found;
    if (BLOCK == 0) {
        found.at = find_spot(index);
        found.step = push.count;
        found.to = index;
    } else {
        uint line = index / (SET * BLOCK);
        uint unit = line / ROWS;
        uint block_set = divide(unit, push.turns);
        uint block = divide(block_set, push.sets);
        uint shard = (block_set - block * push.sets.value) * SET + index / BLOCK % SET;
        uint row = (unit - block_set * push.turns.value) * ROWS + line % ROWS;
        uint vector = block * BLOCK + index % BLOCK;
        bool exists = shard < push.shards && row < push.shard_tiles && vector < push.vectors.value;
        found.at = make_spot(shard * push.shard_tiles + row, vector);
        found.at.top = exists ? found.at.top : FAR_BELOW;
        found.step = ROWS * SET * BLOCK;
        found.to = index + unit * (WINOGRAD_PRODUCTS - 1) * found.step;
    }
    found.to = index < push.count ? found.to : NOWHERE;
    return found;
}
