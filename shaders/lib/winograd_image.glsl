/* What the kernels between an image and tiles have in common: an invocation takes a vector of channels of a tile. */
#include "lib/store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
PUSH(winograd_image_push)

/* Where the tile begins, and the vector among those of a position. */
struct spot {
    uint sample_index, top, left;
    uint vector;
};

spot make_spot(uint tile, uint vector)
{
    tile += push.first_tile;
    uint line = divide(tile, push.tiles_width);
    uint sample_index = divide(line, push.tiles_height);
    return spot(sample_index, (line - sample_index * push.tiles_height.value) * WINOGRAD_TILE,
                (tile - line * push.tiles_width.value) * WINOGRAD_TILE, vector);
}

/* Where a number is the vector's place in each of the 36 products, which are push.count vectors apart. */
spot find_spot(uint index)
{
    uint tile = divide(index, push.vectors);
    return make_spot(tile, index - tile * push.vectors.value);
}
