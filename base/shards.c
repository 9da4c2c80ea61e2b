#include "base/shards.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* Elements added at a time: partial sums of every level stay in the first-level cache. */
enum { CHUNK = 512 };

int shards_split(int n)
{
    int half = 1;
    while (half * 2 < n) {
        half *= 2;
    }
    return half;
}

int shards_first(int shards, int rank, int ranks)
{
    return (int)((int64_t)rank * shards / ranks);
}

int shards_default(int64_t batch, int limit)
{
    for (int n = limit; n > 1; n--) {
        if (batch % n == 0) {
            return n;
        }
    }
    return 1;
}

struct cut {
    int first, end; /* the range to cover */
    int limit;
    struct piece *pieces;
    int capacity, count;
};

static void cut_node(struct cut *cut, int first, int count)
{
    if (first >= cut->end || first + count <= cut->first) {
        return;
    }
    if (first >= cut->first && first + count <= cut->end && count <= cut->limit) {
        if (cut->count < cut->capacity) {
            cut->pieces[cut->count] = (struct piece){first, count};
        }
        cut->count++;
        return;
    }
    int half = shards_split(count);
    cut_node(cut, first, half);
    cut_node(cut, first + half, count - half);
}

int shards_pieces(int shards, int first, int count, int limit, struct piece *pieces, int capacity)
{
    struct cut cut = {.first = first, .end = first + count, .limit = limit, .pieces = pieces, .capacity = capacity};
    assert(limit >= 1);
    if (count > 0) {
        cut_node(&cut, 0, shards);
    }
    return cut.count;
}

struct sum {
    const struct piece *pieces;
    const float *const *data;
    int next; /* the piece that comes next from the left */
    int64_t offset;
    int count;
};

/* The sum over the node's leaves: a piece's own memory where the node is one, else `room`. */
static const float *sum_node(struct sum *sum, int first, int count, float *room)
{
    const struct piece *piece = &sum->pieces[sum->next];
    if (piece->count == count) {
        assert(piece->first == first);
        return sum->data[sum->next++] + sum->offset;
    }
    float other[CHUNK];
    int half = shards_split(count);
    const float *left = sum_node(sum, first, half, room);
    const float *right = sum_node(sum, first + half, count - half, other);
    for (int i = 0; i < sum->count; i++) {
        room[i] = left[i] + right[i];
    }
    return room;
}

void shards_sum(int shards, const struct piece *pieces, const float *const *data, int piece_count, int64_t count,
                float *result)
{
    for (int64_t offset = 0; offset < count; offset += CHUNK) {
        int64_t left = count - offset;
        struct sum sum = {.pieces = pieces, .data = data, .offset = offset, .count = left < CHUNK ? (int)left : CHUNK};
        float room[CHUNK];
        const float *total = sum_node(&sum, 0, shards, room);
        assert(sum.next == piece_count);
        memmove(result + offset, total, (size_t)sum.count * sizeof(float));
    }
}

static double sum_double_node(const struct piece **piece, const double **value, int count)
{
    if ((*piece)->count == count) {
        (*piece)++;
        return *(*value)++;
    }
    int half = shards_split(count);
    double left = sum_double_node(piece, value, half);
    return left + sum_double_node(piece, value, count - half);
}

double shards_sum_double(int shards, const struct piece *pieces, const double *values, int piece_count)
{
    const struct piece *end = pieces + piece_count;
    double total = sum_double_node(&pieces, &values, shards);
    assert(pieces == end);
    return total;
}
