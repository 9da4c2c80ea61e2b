#include "compute/kernels/reduce.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/range.h"
#include "shaders/reduce.h"

/*
 * Groups of more rows are added in chunks first: shorter chains of rounding, more invocations, fewer turns of a loop.
 */
enum { MIN_CHUNK = 64, MAX_ROWS = 1 << 29 };

int64_t reduce_chunk_rows(int64_t rows, int64_t least)
{
    enum { MAX_CHUNK = 16384 }; /* three loops over a chunk stay below DISPATCH_MAX_TURNS */
    int64_t chunk_rows = least;
    while (chunk_rows < MAX_CHUNK && chunk_rows * chunk_rows < rows) {
        chunk_rows *= 2;
    }
    return chunk_rows;
}

static enum status add_chunks(struct tape *tape, const struct row_sums *params, int64_t chunk_rows)
{
    int64_t chunks = divide_up_count(params->group_rows, chunk_rows);
    int64_t vectors = params->stride / 4;
    int64_t columns = params->epilogue != NULL ? params->columns : params->stride;
    struct reduce_rows_push push = {.stride = divisor_of(vectors),
                                    .chunks = divisor_of(chunks),
                                    .group_rows = (uint)params->group_rows,
                                    .chunk_rows = (uint)chunk_rows,
                                    .scale = params->scale,
                                    .channels = epilogue_channels(shape_vector(columns))};
    struct dispatch dispatch = {.kernel = "reduce_rows",
                                .bindings = {params->rows, params->sums},
                                .binding_count = 2,
                                .flops = (double)params->groups * (double)params->group_rows * (double)params->stride};
    epilogue_add(&dispatch, 0, params->epilogue);
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, (uint64_t)(params->groups * chunks * vectors), 1, sizes);
}

enum status reduce_rows(struct tape *tape, const struct row_sums *params)
{
    assert(params->stride % 4 == 0);
    if (params->group_rows > MAX_ROWS) {
        return fail(STATUS_BAD_INPUT, "a sum over %lld rows; at most %d are possible: set run.shards higher",
                    (long long)params->group_rows, MAX_ROWS);
    }
    if (params->group_rows <= MIN_CHUNK) {
        return add_chunks(tape, params, params->group_rows);
    }
    int64_t chunk_rows = reduce_chunk_rows(params->group_rows, MIN_CHUNK);
    struct row_sums first = *params;
    struct row_sums second = *params;
    second.group_rows = divide_up_count(params->group_rows, chunk_rows);
    int sums;
    TRY(tape_scratch(tape, "sums of chunks",
                     (uint64_t)(params->groups * second.group_rows * params->stride) * sizeof(float), &sums));
    first.sums = tape_bind(tape, sums, ACCESS_WRITE);
    first.scale = 1;
    first.epilogue = NULL;
    second.rows = tape_bind(tape, sums, ACCESS_READ);
    TRY(add_chunks(tape, &first, chunk_rows));
    return add_chunks(tape, &second, second.group_rows);
}

enum status reduce_columns(struct tape *tape, struct binding rows, int64_t shard_rows, int64_t stride,
                           struct binding sums)
{
    struct row_sums params = {.rows = rows,
                              .groups = tape->geometry.shard_count,
                              .group_rows = shard_rows,
                              .stride = stride,
                              .scale = 1,
                              .sums = sums};
    return reduce_rows(tape, &params);
}

enum status reduce_tree(struct tape *tape, const struct tree_sum *params)
{
    assert(params->shards <= PIECE_MAX_SHARDS && params->count % 4 == 0 && params->stride % 4 == 0);
    struct reduce_shards_push push = {.count = (uint)(params->stride / 4),
                                      .first = (uint)(params->first * (params->stride / 4))};
    struct dispatch dispatch = {.kernel = "reduce_shards",
                                .bindings = {params->values, params->sum},
                                .binding_count = 2,
                                .constants = {(uint32_t)params->shards},
                                .constant_count = 1,
                                .flops = (double)(params->shards - 1) * (double)params->count};
    dispatch_push(&dispatch, push);
    static const uint32_t sizes[DISPATCH_MAX_BINDINGS] = {0, VECTOR_SIZE};
    return range_dispatch(tape, &dispatch, (uint64_t)params->count / 4, 1, sizes);
}

enum status reduce_chunks(struct tape *tape, const struct chunk_sums *params, const struct layer *layer, int parameter)
{
    const struct geometry *geometry = &tape->geometry;
    struct binding values = params->values;
    if (params->chunks > 1) {
        int sums;
        TRY(tape_scratch(tape, "sums of shards", (uint64_t)(geometry->shard_count * params->stride) * sizeof(float),
                         &sums));
        struct row_sums rows = {.rows = params->values,
                                .groups = geometry->shard_count,
                                .group_rows = params->chunks,
                                .stride = params->stride,
                                .scale = 1,
                                .sums = tape_bind(tape, sums, ACCESS_WRITE)};
        TRY(reduce_rows(tape, &rows));
        values = tape_bind(tape, sums, ACCESS_READ);
    }
    for (int i = 0; i < geometry->piece_count; i++) {
        struct tree_sum tree = {.values = values,
                                .first = geometry->pieces[i].first - geometry->first_shard,
                                .shards = geometry->pieces[i].count,
                                .stride = params->stride,
                                .count = params->count,
                                .sum = tape_parameter_gradient(tape, layer, parameter, i)};
        TRY(reduce_tree(tape, &tree));
    }
    return STATUS_OK;
}

enum status reduce_shards(struct tape *tape, struct binding values, int64_t count, const struct layer *layer,
                          int parameter)
{
    struct chunk_sums sums = {.values = values, .chunks = 1, .stride = count, .count = count};
    return reduce_chunks(tape, &sums, layer, parameter);
}
