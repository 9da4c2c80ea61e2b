/* Random numbers, shapes and shards: the facts that everything above relies on. */
#include "tests/unit/test.h"

#include "base/digest.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/shape.h"
#include "base/shards.h"

/* Known answers of Random123's kat_vectors for philox4x32-10. */
static void philox_gives_the_published_words(void **state)
{
    (void)state;
    struct random_block zero = random_philox(0, 0, 0, 0, 0, 0);
    const uint32_t expected_zero[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    assert_memory_equal(zero.word, expected_zero, sizeof expected_zero);

    struct random_block ones = random_philox(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff);
    const uint32_t expected_ones[4] = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
    assert_memory_equal(ones.word, expected_ones, sizeof expected_ones);
}

static void random_below_stays_below_and_reaches_all(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 7, RANDOM_ORDER, 3);
    int seen[5] = {0};
    for (int i = 0; i < 1000; i++) {
        uint32_t value = random_below(&random, 5);
        assert_true(value < 5);
        seen[value]++;
    }
    for (int i = 0; i < 5; i++) {
        assert_in_range(seen[i], 150, 250);
    }
}

static void shapes_pad_channels_and_leave_integers_dense(void **state)
{
    (void)state;
    struct shape image = shape_image(3, 5, 7);
    assert_int_equal(shape_stride(image), 4);
    assert_int_equal(shape_elements(image, DTYPE_FLOAT32), 4 * 35);
    assert_int_equal(shape_elements(image, DTYPE_INT32), 3 * 35);
    assert_int_equal(shape_elements(shape_scalar(), DTYPE_INT32), 1);
    char text[SHAPE_TEXT_SIZE];
    assert_string_equal(shape_format(image, text), "3 x 5 x 7");
}

/* Leaves whose sum depends on the order: any other tree gives other bits. */
static float leaf_value(int leaf)
{
    return 1.0F / (float)(leaf + 1) + (float)(leaf * leaf) * 1e5F;
}

static float tree_sum(int first, int count)
{
    if (count == 1) {
        return leaf_value(first);
    }
    int half = shards_split(count);
    return tree_sum(first, half) + tree_sum(first + half, count - half);
}

static void every_split_over_ranks_gives_the_same_bits(void **state)
{
    (void)state;
    for (int shards = 1; shards <= 20; shards++) {
        for (int ranks = 1; ranks <= shards; ranks++) {
            struct piece pieces[64];
            float sums[64];
            const float *data[64];
            int count = 0;
            for (int rank = 0; rank < ranks; rank++) {
                int first = shards_first(shards, rank, ranks);
                int end = shards_first(shards, rank + 1, ranks);
                assert_true(end > first);
                count += shards_pieces(shards, first, end - first, PIECE_MAX_SHARDS, pieces + count, 64 - count);
            }
            int next = 0;
            for (int i = 0; i < count; i++) {
                assert_int_equal(pieces[i].first, next);
                assert_in_range(pieces[i].count, 1, PIECE_MAX_SHARDS);
                next += pieces[i].count;
                sums[i] = tree_sum(pieces[i].first, pieces[i].count);
                data[i] = &sums[i];
            }
            assert_int_equal(next, shards);
            float total;
            shards_sum(shards, pieces, data, count, 1, &total);
            float expected = tree_sum(0, shards);
            assert_memory_equal(&total, &expected, sizeof total);
        }
    }
}

static void digest_gives_the_published_value(void **state)
{
    (void)state;
    uint8_t result[DIGEST_SIZE];
    char text[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_of("abc", 3, result), STATUS_OK);
    digest_text(result, text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(random_below_stays_below_and_reaches_all),
        cmocka_unit_test(shapes_pad_channels_and_leave_integers_dense),
        cmocka_unit_test(every_split_over_ranks_gives_the_same_bits),
        cmocka_unit_test(digest_gives_the_published_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
