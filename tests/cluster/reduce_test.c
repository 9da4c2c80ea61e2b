/*
 * Sums of gradients against a serial reference that knows no ranks. Run under mpirun with 1, 2, 3 and 4 ranks: each
 * run must meet the same bits.
 */
#include "tests/unit/test.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cluster/reduce.h"

enum { MAX_BLOCKS = 13, MAX_BUCKETS = 13, MAX_FLAT = MAX_BLOCKS * REDUCE_BLOCK, MAX_PIECES = 16 };

struct layout {
    const char *name;
    int bucket_count;
    int blocks[MAX_BUCKETS];
};

static const struct layout layouts[] = {
    {"one block: most ranks own nothing", 1, {1}},
    {"one bucket", 1, {13}},
    {"buckets of one block", 5, {1, 1, 1, 1, 1}},
    {"uneven buckets, one of them empty", 5, {3, 1, 0, 2, 7}},
};

/* One shard's gradient is spoilt at an element. */
struct spoil {
    int shard;
    int64_t element;
    float value;
};

struct problem {
    int shards;
    int piece_limit;
    enum reduce_mode mode;
    const struct layout *layout;
    int norm_blocks_left_out;
    bool frozen; /* every third unit */
    uint32_t seed;
    const struct spoil *spoils;
    int spoil_count;
};

struct fixture {
    struct comm *comm;
    float *gradients; /* MAX_PIECES x MAX_FLAT */
    float *expected, *values, *slice, *whole;
};

/* The shard's gradient: signs and magnitudes so mixed that every order of summation gives other bits. */
static float leaf(const struct problem *problem, int shard, int64_t element)
{
    for (int i = 0; i < problem->spoil_count; i++) {
        if (problem->spoils[i].shard == shard && problem->spoils[i].element == element) {
            return problem->spoils[i].value;
        }
    }
    uint64_t x = (uint64_t)problem->seed * 0x9e3779b97f4a7c15U + (uint64_t)shard * 0xbf58476d1ce4e5b9U +
                 (uint64_t)element * 0x94d049bb133111ebU;
    x ^= x >> 31;
    x *= 0xd6e8feb86659fd93U;
    x ^= x >> 32;
    float mantissa = (float)(x & 0xffffff) / 8388608.0F - 1.0F;
    return ldexpf(mantissa, (int)(x >> 32 & 15) - 8);
}

static float tree(const struct problem *problem, int first, int count, int64_t element)
{
    if (count == 1) {
        return leaf(problem, first, element);
    }
    int half = shards_split(count);
    return tree(problem, first, half, element) + tree(problem, first + half, count - half, element);
}

static int64_t flat_count(const struct layout *layout)
{
    int64_t blocks = 0;
    for (int b = 0; b < layout->bucket_count; b++) {
        blocks += layout->blocks[b];
    }
    return blocks * REDUCE_BLOCK;
}

static int64_t norm_count(const struct problem *problem)
{
    return flat_count(problem->layout) - (int64_t)problem->norm_blocks_left_out * REDUCE_BLOCK;
}

static bool is_frozen(int64_t unit)
{
    return unit % 3 == 0;
}

/* The norm as reduce.h defines it. */
static double reference_norm(const struct problem *problem, const float *sums)
{
    int64_t count = norm_count(problem);
    double total = 0;
    for (int64_t block = 0; block < count; block += REDUCE_BLOCK) {
        double of_block = 0;
        for (int lane = 0; lane < REDUCE_LANES; lane++) {
            double of_lane = 0;
            for (int64_t i = lane; i < REDUCE_BLOCK; i += REDUCE_LANES) {
                bool counts = !problem->frozen || !is_frozen((block + i) / REDUCE_UNIT);
                of_lane += counts ? (double)sums[block + i] * (double)sums[block + i] : 0;
            }
            of_block += of_lane;
        }
        total += of_block;
    }
    return total;
}

static int make_ranges(const struct layout *layout, struct range ranges[MAX_BUCKETS])
{
    int64_t offset = 0;
    for (int b = 0; b < layout->bucket_count; b++) {
        ranges[b] = (struct range){offset, (int64_t)layout->blocks[b] * REDUCE_BLOCK};
        offset += ranges[b].count;
    }
    return layout->bucket_count;
}

static struct reduce *create(struct fixture *fixture, const struct problem *problem)
{
    static uint8_t frozen[MAX_FLAT / REDUCE_UNIT];
    for (int i = 0; i < MAX_FLAT / REDUCE_UNIT; i++) {
        frozen[i] = is_frozen(i) ? 1 : 0;
    }
    struct range ranges[MAX_BUCKETS];
    struct reduce_params params = {
        .comm = fixture->comm,
        .mode = problem->mode,
        .shards = problem->shards,
        .piece_limit = problem->piece_limit,
        .flat_count = flat_count(problem->layout),
        .norm_count = norm_count(problem),
        .frozen = problem->frozen ? frozen : NULL,
        .buckets = ranges,
        .bucket_count = make_ranges(problem->layout, ranges),
        .gradients = fixture->gradients,
        .values = fixture->values,
    };
    struct reduce *reduce;
    assert_ok(reduce_create(&params, &reduce));
    return reduce;
}

/* Writes this rank's pieces, as a backward pass would, and the reference of the whole sum. */
static void write_gradients(struct fixture *fixture, const struct problem *problem, const struct reduce *reduce)
{
    int64_t count = flat_count(problem->layout);
    const struct piece *pieces;
    int piece_count = reduce_pieces(reduce, &pieces);
    int rank = comm_rank(fixture->comm), ranks = comm_size(fixture->comm);
    int first = shards_first(problem->shards, rank, ranks), end = shards_first(problem->shards, rank + 1, ranks);
    struct piece expected[MAX_PIECES];
    assert_int_equal(shards_pieces(problem->shards, first, end - first, problem->piece_limit, expected, MAX_PIECES),
                     piece_count);
    assert_memory_equal(pieces, expected, (size_t)piece_count * sizeof *pieces);
    for (int p = 0; p < piece_count; p++) {
        for (int64_t i = 0; i < count; i++) {
            fixture->gradients[p * count + i] = tree(problem, pieces[p].first, pieces[p].count, i);
        }
    }
    for (int64_t i = 0; i < count; i++) {
        fixture->expected[i] = tree(problem, 0, problem->shards, i);
    }
}

/* All buckets in flight at once, the last first as in a backward pass. */
static struct reduce_result sum(struct reduce *reduce, const struct problem *problem)
{
    struct reduce_result result;
    for (int b = problem->layout->bucket_count - 1; b >= 0; b--) {
        assert_ok(reduce_begin(reduce, b));
        assert_ok(reduce_progress(reduce));
    }
    assert_ok(reduce_finish(reduce, &result));
    return result;
}

static void check_sums(const struct fixture *fixture, const struct problem *problem, const struct reduce *reduce,
                       const struct reduce_result *result)
{
    for (int b = 0; b < problem->layout->bucket_count; b++) {
        struct range owned = reduce_owned(reduce, b);
        assert_int_equal(owned.offset % REDUCE_BLOCK, 0);
        assert_int_equal(owned.count % REDUCE_BLOCK, 0);
        assert_memory_equal(fixture->gradients + owned.offset, fixture->expected + owned.offset,
                            (size_t)owned.count * sizeof(float));
    }
    double norm = reference_norm(problem, fixture->expected);
    assert_memory_equal(&result->squared_norm, &norm, sizeof norm);
    assert_int_equal(result->first_not_finite, -1);
}

static void fill(float *data, int64_t count, float value)
{
    for (int64_t i = 0; i < count; i++) {
        data[i] = value;
    }
}

static void copy_owned(const struct reduce *reduce, const struct layout *layout, float *to, const float *from)
{
    for (int b = 0; b < layout->bucket_count; b++) {
        struct range owned = reduce_owned(reduce, b);
        memcpy(to + owned.offset, from + owned.offset, (size_t)owned.count * sizeof *to);
    }
}

/* Owners know their ranges alone; afterwards all know all, and rank 0 collects what a save needs. */
static void check_gather(struct fixture *fixture, const struct layout *layout, struct reduce *reduce)
{
    int64_t count = flat_count(layout);
    size_t size = (size_t)count * sizeof(float);
    bool root = comm_rank(fixture->comm) == 0;

    fill(fixture->values, count, NAN);
    copy_owned(reduce, layout, fixture->values, fixture->expected);
    assert_ok(reduce_gather(reduce));
    assert_memory_equal(fixture->values, fixture->expected, size);

    fill(fixture->slice, count, NAN);
    fill(fixture->whole, count, NAN);
    copy_owned(reduce, layout, fixture->slice, fixture->expected);
    assert_ok(reduce_collect(reduce, fixture->slice, root ? fixture->whole : NULL));
    if (root) {
        assert_memory_equal(fixture->whole, fixture->expected, size);
    }
    assert_ok(reduce_collect(reduce, fixture->slice, root ? fixture->slice : NULL));
    if (root) {
        assert_memory_equal(fixture->slice, fixture->expected, size);
    }
}

static void every_rank_count_gives_the_bits_of_the_reference(void **state)
{
    static const int shard_counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 16};
    static const int limits[] = {PIECE_MAX_SHARDS, 2};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < COUNT_OF(shard_counts) * COUNT_OF(limits) * COUNT_OF(layouts); i++) {
        struct problem problem = {
            .shards = shard_counts[i % COUNT_OF(shard_counts)],
            .piece_limit = limits[i / COUNT_OF(shard_counts) % COUNT_OF(limits)],
            .layout = &layouts[i / COUNT_OF(shard_counts) / COUNT_OF(limits)],
            .norm_blocks_left_out = (int)(i % 2),
            .frozen = i % 3 == 1,
        };
        if (problem.shards < comm_size(fixture->comm)) {
            continue;
        }
        struct reduce *reduce = create(fixture, &problem);
        for (uint32_t step = 0; step < 2; step++) {
            problem.seed = step;
            write_gradients(fixture, &problem, reduce);
            struct reduce_result result = sum(reduce, &problem);
            check_sums(fixture, &problem, reduce, &result);
            check_gather(fixture, problem.layout, reduce);
        }
        reduce_destroy(reduce);
    }
}

static struct reduce_result sum_spoilt(struct fixture *fixture, const struct spoil *spoils, int count,
                                       enum reduce_mode mode)
{
    struct problem problem = {
        .shards = 6,
        .piece_limit = PIECE_MAX_SHARDS,
        .mode = mode,
        .layout = &layouts[3],
        .norm_blocks_left_out = 2,
        .frozen = true, /* what is not finite is found there too */
        .spoils = spoils,
        .spoil_count = count,
    };
    struct reduce *reduce = create(fixture, &problem);
    write_gradients(fixture, &problem, reduce);
    struct reduce_result result = sum(reduce, &problem);
    reduce_destroy(reduce);
    return result;
}

static void the_first_element_that_is_not_finite_is_found(void **state)
{
    struct fixture *fixture = *state;
    int64_t last = flat_count(&layouts[3]) - 1;
    const int64_t elements[] = {0, 1, REDUCE_BLOCK - 1, REDUCE_BLOCK, 5 * REDUCE_BLOCK + 77, last};

    for (enum reduce_mode mode = REDUCE_TREE; mode <= REDUCE_ALLREDUCE; mode++) {
        for (size_t i = 0; i < COUNT_OF(elements); i++) {
            struct spoil spoil = {(int)i % 6, elements[i], i % 2 == 0 ? NAN : -INFINITY};
            struct reduce_result result = sum_spoilt(fixture, &spoil, 1, mode);
            assert_int_equal(result.first_not_finite, elements[i]);
            /* The last lies behind norm_count: reported, and not in the norm. */
            assert_int_equal(isfinite(result.squared_norm) != 0, elements[i] == last);
        }
        const struct spoil two[] = {{0, last, NAN}, {5, 2 * REDUCE_BLOCK + 3, INFINITY}};
        assert_int_equal(sum_spoilt(fixture, two, 2, mode).first_not_finite, 2 * REDUCE_BLOCK + 3);
        /* Finite shards whose sum overflows. */
        const struct spoil overflow[] = {{1, 1234, FLT_MAX}, {4, 1234, FLT_MAX}};
        assert_int_equal(sum_spoilt(fixture, overflow, 2, mode).first_not_finite, 1234);
        /* A large norm is no failure. */
        const struct spoil large = {1, 1234, FLT_MAX / 2};
        assert_int_equal(sum_spoilt(fixture, &large, 1, mode).first_not_finite, -1);
    }
}

static void check_near(const struct fixture *fixture, const struct problem *problem)
{
    for (int64_t i = 0; i < flat_count(problem->layout); i++) {
        double magnitude = 0;
        for (int s = 0; s < problem->shards; s++) {
            magnitude += fabs((double)leaf(problem, s, i));
        }
        assert_true(fabs((double)fixture->gradients[i] - (double)fixture->expected[i]) <= 2e-6 * magnitude);
    }
}

/* The result of every rank equals that of rank 0. */
static void check_equal_everywhere(struct fixture *fixture, const struct reduce_result *result)
{
    double first = result->squared_norm;
    assert_ok(comm_broadcast(fixture->comm, &first, sizeof first, 0));
    assert_memory_equal(&first, &result->squared_norm, sizeof first);
}

static void allreduce_is_near_and_every_rank_owns_all(void **state)
{
    struct fixture *fixture = *state;
    for (int shards = comm_size(fixture->comm); shards <= 16; shards++) {
        struct problem problem = {
            .shards = shards,
            .piece_limit = 4,
            .mode = REDUCE_ALLREDUCE,
            .layout = &layouts[(size_t)shards % COUNT_OF(layouts)],
        };
        struct reduce *reduce = create(fixture, &problem);
        for (uint32_t step = 0; step < 2; step++) {
            problem.seed = step;
            write_gradients(fixture, &problem, reduce);
            struct reduce_result result = sum(reduce, &problem);
            check_near(fixture, &problem);
            double norm = reference_norm(&problem, fixture->expected);
            assert_true(fabs(result.squared_norm - norm) <= 1e-5 * norm);
            assert_int_equal(result.first_not_finite, -1);
            check_equal_everywhere(fixture, &result);
            check_gather(fixture, problem.layout, reduce);
        }
        int64_t owned = 0;
        for (int b = 0; b < problem.layout->bucket_count; b++) {
            owned += reduce_owned(reduce, b).count;
        }
        assert_int_equal(owned, flat_count(problem.layout));
        reduce_destroy(reduce);
    }
}

static void exposed_time_starts_anew_when_it_was_read(void **state)
{
    struct fixture *fixture = *state;
    struct problem problem = {.shards = 8, .piece_limit = PIECE_MAX_SHARDS, .layout = &layouts[1]};
    struct reduce *reduce = create(fixture, &problem);
    write_gradients(fixture, &problem, reduce);
    sum(reduce, &problem);
    assert_ok(reduce_gather(reduce));
    assert_true(reduce_exposed_seconds(reduce) > 0);
    assert_true(reduce_exposed_seconds(reduce) == 0);
    reduce_destroy(reduce);
}

int main(void)
{
    struct fixture fixture = {0};
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* one rank's failure ends the job, or the others would wait for it */
    if (comm_create(&fixture.comm) != STATUS_OK ||
        memory_allocate((size_t)MAX_PIECES * MAX_FLAT, sizeof(float), &fixture.gradients) != STATUS_OK ||
        memory_allocate(MAX_FLAT, sizeof(float), &fixture.expected) != STATUS_OK ||
        memory_allocate(MAX_FLAT, sizeof(float), &fixture.values) != STATUS_OK ||
        memory_allocate(MAX_FLAT, sizeof(float), &fixture.slice) != STATUS_OK ||
        memory_allocate(MAX_FLAT, sizeof(float), &fixture.whole) != STATUS_OK) {
        print_error("%s\n", status_message());
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_rank_count_gives_the_bits_of_the_reference, &fixture),
        cmocka_unit_test_prestate(the_first_element_that_is_not_finite_is_found, &fixture),
        cmocka_unit_test_prestate(allreduce_is_near_and_every_rank_owns_all, &fixture),
        cmocka_unit_test_prestate(exposed_time_starts_anew_when_it_was_read, &fixture),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(fixture.gradients);
    free(fixture.expected);
    free(fixture.values);
    free(fixture.slice);
    free(fixture.whole);
    comm_destroy(fixture.comm);
    return failed;
}
