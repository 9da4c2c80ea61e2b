/* Push constants of reduce_rows and reduce_shards. Shared by C and GLSL. */
#ifndef SHADERS_REDUCE_H
#define SHADERS_REDUCE_H

#include "map.h"

struct reduce_rows_push {
    range part;
    divisor stride; /* vectors a row */
    divisor chunks; /* a group */
    uint group_rows;
    uint chunk_rows; /* the last chunk of a group may be short */
    float scale;
    map_channels channels; /* of a row that the sums make, for the epilogue */
};

struct reduce_shards_push {
    range part;
    uint count; /* vectors a shard */
    uint first; /* vector at which the piece's first shard lies */
};

#endif
