/*
 * Gradient accumulation: whatever the rounds and ranks, the copies end up as the pieces of one fixed tree, bit for bit.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "train/rounds.h"

enum { FLOATS = 5, MAX_COPIES = 16 };

static float leaf(int shard, int i)
{
    return 1.0F / (float)(shard + 1) + (float)(shard * shard * (i + 1)) * 1e5F;
}

static float node(int first, int count, int i)
{
    if (count == 1) {
        return leaf(first, i);
    }
    int half = shards_split(count);
    return node(first, half, i) + node(first + half, count - half, i);
}

static void run_rank(int shards, int first, int count, int accumulate)
{
    struct rounds rounds;
    assert_ok(rounds_plan(shards, first, count, accumulate, &rounds));
    assert_in_range(rounds.copies, 1, MAX_COPIES);
    float copies[MAX_COPIES][FLOATS];
    int next = first;
    for (int r = 0; r < rounds.count; r++) {
        const struct round *round = &rounds.rounds[r];
        assert_int_equal(round->first_shard, next);
        next += round->shard_count;
        for (int p = 0; p < round->piece_count; p++) {
            assert_true(round->first_copy + p < rounds.copies);
            for (int i = 0; i < FLOATS; i++) {
                copies[round->first_copy + p][i] = node(round->pieces[p].first, round->pieces[p].count, i);
            }
        }
        rounds_merge(round, &copies[0][0], FLOATS, 0, 2); /* in two parts, as buckets are */
        rounds_merge(round, &copies[0][0], FLOATS, 2, FLOATS - 2);
    }
    assert_int_equal(next, first + count);
    struct piece pieces[MAX_COPIES];
    int piece_count = shards_pieces(shards, first, count, rounds.piece_limit, pieces, MAX_COPIES);
    for (int p = 0; p < piece_count; p++) {
        for (int i = 0; i < FLOATS; i++) {
            float expected = node(pieces[p].first, pieces[p].count, i);
            assert_memory_equal(&copies[p][i], &expected, sizeof expected);
        }
    }
}

static void copies_end_as_the_pieces_of_the_tree(void **state)
{
    (void)state;
    for (int shards = 1; shards <= 24; shards++) {
        for (int ranks = 1; ranks <= 4 && ranks <= shards; ranks++) {
            for (int rank = 0; rank < ranks; rank++) {
                int first = shards_first(shards, rank, ranks);
                int count = shards_first(shards, rank + 1, ranks) - first;
                for (int accumulate = 1; accumulate <= 8; accumulate++) {
                    run_rank(shards, first, count, accumulate);
                }
            }
        }
    }
}

static void rounds_keep_to_their_share(void **state)
{
    (void)state;
    struct rounds rounds;
    assert_ok(rounds_plan(8, 0, 8, 4, &rounds));
    assert_int_equal(rounds.count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rounds.rounds[i].shard_count, 2);
    }
    assert_true(rounds.copies <= 3); /* not one a round */
}

static void too_many_rounds_are_refused(void **state)
{
    (void)state;
    struct rounds rounds;
    assert_int_equal(rounds_plan(4096, 0, 4096, 2, &rounds), STATUS_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_end_as_the_pieces_of_the_tree),
        cmocka_unit_test(rounds_keep_to_their_share),
        cmocka_unit_test(too_many_rounds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
