/* Push constants of the batch_norm kernels. Shared by C and GLSL. */
#ifndef SHADERS_BATCH_NORM_H
#define SHADERS_BATCH_NORM_H

#include "lib/range.h"

/*
 * Push constants of batch_norm_statistics and batch_norm_sums: an invocation works on one vector of channels over one
 * chunk of a shard's rows (a row is a position of a sample). Chunks are numbered through all local shards; a shard's
 * last one may be short.
 */
struct batch_norm_chunk_push {
    range part;       /* invocations: chunk * channels + channel vector */
    divisor channels; /* vectors a row */
    divisor chunks;   /* a shard */
    uint shard_rows;
    uint chunk_rows;
    uint statistic_step; /* vectors from one shard's statistics to the next one's: 0 where they are common */
};

#define BATCH_NORM_LINES 16 /* that an invocation normalises, at most */

/*
 * Push constants of batch_norm_forward and batch_norm_backward: an invocation makes a vector of each line of a block. A
 * line is one row or several, so that registers of CPUs are filled. Blocks are numbered through all local shards; a
 * shard's last one may be short.
 */
struct batch_norm_block_push {
    range part;       /* invocations: block * line + vector of the line */
    divisor line;     /* vectors */
    divisor channels; /* vectors a row */
    divisor blocks;   /* a shard */
    uint block_lines;
    uint last_lines; /* of a shard's last block */
    uint last_line;  /* vectors of the last one of those */
    uint shard_vectors;
    uint made_first;     /* vector of the whole output at which the bound part begins */
    uint statistic_step; /* as above */
    uint sum_step;       /* the same for the sums of the backward pass */
    float rows;          /* over which the statistics were taken */
    float epsilon;
    uint channel_count; /* without the padding */
};

/* Push constants of batch_norm_merge and batch_norm_centre: an invocation works on a vector of channels of a shard. */
struct batch_norm_merge_push {
    uint count;       /* invocations: local shards * channels */
    divisor channels; /* vectors a row */
    uint parts;       /* a shard */
    uint part_step;   /* vectors from one shard's parts to the next one's: 0 where they are common */
    float part_rows;  /* of every part but the last */
    float last_rows;
    float mean_scale; /* what the parts' means are multiplied with */
    float epsilon;
};

/* Push constants of batch_norm_fold: an invocation works on a vector of channels. */
struct batch_norm_fold_push {
    uint channels; /* vectors */
    float epsilon;
};

#ifdef VULKAN
struct batch_norm_place {
    uint channel; /* vector */
    uint shard;
    uint first; /* vector of the chunk's first row */
    uint count; /* rows */
};

batch_norm_place batch_norm_find(uint index, batch_norm_chunk_push push)
{
    uint chunk = divide(index, push.channels);
    uint channel = index - chunk * push.channels.value;
    uint shard = divide(chunk, push.chunks);
    uint row = (chunk - shard * push.chunks.value) * push.chunk_rows;
    uint count = min(push.chunk_rows, push.shard_rows - row);
    return batch_norm_place(channel, shard, (shard * push.shard_rows + row) * push.channels.value + channel, count);
}
/* DO(vector) for every row of a place, `step` vectors apart, four of them a turn: turns cost a CPU much. */
#define BATCH_NORM_ROWS(place, step, DO)                                                                               \
    {                                                                                                                  \
        uint from = place.first;                                                                                       \
        uint whole = from + place.count / 4 * 4 * step;                                                                \
        uint end = from + place.count * step;                                                                          \
        for (; from < whole; from += 4 * step) {                                                                       \
            DO(from) DO(from + step) DO(from + 2 * step) DO(from + 3 * step)                                           \
        }                                                                                                              \
        for (; from < end; from += step) {                                                                             \
            DO(from)                                                                                                   \
        }                                                                                                              \
    }
#endif

#endif
