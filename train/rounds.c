#include "train/rounds.h"

#include <stdbool.h>

/* Whether [first, first + count) is a node of the tree over [start, start + size). */
static bool is_node(int start, int size, int first, int count)
{
    while (size > count) {
        int half = shards_split(size);
        if (first < start + half) {
            size = half;
        } else {
            start += half;
            size -= half;
        }
    }
    return start == first && size == count;
}

static enum status plan_single(int shards, int first, int count, struct rounds *rounds)
{
    struct round *round = &rounds->rounds[0];
    *round = (struct round){.first_shard = first, .shard_count = count};
    round->piece_count = shards_pieces(shards, first, count, PIECE_MAX_SHARDS, round->pieces, ROUND_MAX_PIECES);
    if (round->piece_count > ROUND_MAX_PIECES) {
        return fail(STATUS_BAD_INPUT,
                    "a rank would hold %d of %d shards, more than it can sum in one round; use more ranks, fewer "
                    "run.shards, or run.accumulate",
                    count, shards);
    }
    rounds->count = 1;
    rounds->copies = round->piece_count;
    rounds->piece_limit = PIECE_MAX_SHARDS;
    return STATUS_OK;
}

/* Puts the round's piece on the stack and notes which neighbours are then to be added. */
static void push(int shards, struct round *round, struct piece *stack, int *depth)
{
    round->first_copy = *depth;
    stack[(*depth)++] = round->pieces[0];
    while (*depth >= 2) {
        struct piece *left = &stack[*depth - 2];
        const struct piece *right = &stack[*depth - 1];
        if (!is_node(0, shards, left->first, left->count + right->count)) {
            return;
        }
        left->count += right->count;
        (*depth)--;
        round->merge_into[round->merge_count++] = *depth - 1;
    }
}

enum status rounds_plan(int shards, int first, int count, int accumulate, struct rounds *rounds)
{
    *rounds = (struct rounds){0};
    if (accumulate <= 1) {
        return plan_single(shards, first, count, rounds);
    }
    int limit = (count + accumulate - 1) / accumulate;
    limit = limit > PIECE_MAX_SHARDS ? PIECE_MAX_SHARDS : limit;
    struct piece pieces[ROUNDS_MAX];
    int piece_count = shards_pieces(shards, first, count, limit, pieces, ROUNDS_MAX);
    if (piece_count > ROUNDS_MAX) {
        return fail(STATUS_BAD_INPUT,
                    "run.accumulate asks for %d rounds a step; at most %d are possible: use fewer "
                    "run.shards or more ranks",
                    piece_count, ROUNDS_MAX);
    }
    struct piece stack[ROUNDS_MAX];
    int depth = 0;
    for (int i = 0; i < piece_count; i++) {
        struct round *round = &rounds->rounds[i];
        *round = (struct round){
            .first_shard = pieces[i].first, .shard_count = pieces[i].count, .pieces = {pieces[i]}, .piece_count = 1};
        push(shards, round, stack, &depth);
        int used = round->first_copy + 1;
        rounds->copies = used > rounds->copies ? used : rounds->copies;
    }
    rounds->count = piece_count;
    rounds->piece_limit = shards;
    return STATUS_OK;
}

void rounds_merge(const struct round *round, float *copies, int64_t flat_count, int64_t offset, int64_t count)
{
    for (int i = 0; i < round->merge_count; i++) {
        float *into = copies + round->merge_into[i] * flat_count + offset;
        const float *from = into + flat_count;
        for (int64_t j = 0; j < count; j++) {
            into[j] += from[j];
        }
    }
}
