/* The ranks of a job talking. Run under mpirun with 1 to 4 ranks. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cluster/comm.h"

static void ranks_of_one_host_are_local_to_each_other(void **state)
{
    struct comm *comm = *state;
    assert_in_range(comm_rank(comm), 0, comm_size(comm) - 1);
    assert_int_equal(comm_local_size(comm), comm_size(comm));
    assert_int_equal(comm_local_rank(comm), comm_rank(comm));
}

static void the_largest_value_reaches_all(void **state)
{
    struct comm *comm = *state;
    for (int holder = 0; holder < comm_size(comm); holder++) {
        int64_t large = INT64_C(1) << 40, largest = 0;
        assert_ok(comm_max(comm, comm_rank(comm) == holder ? large : -1 - comm_rank(comm), &largest));
        assert_int_equal(largest, large);
    }
    int64_t largest = 0;
    assert_ok(comm_max(comm, -5 - comm_rank(comm), &largest));
    assert_int_equal(largest, -5);
}

/* What rank `rank` says at byte `i`. */
static unsigned char byte_of(int rank, size_t i)
{
    return (unsigned char)((size_t)rank * 97 + i * 31 + i / 256 + (i >> 20));
}

static void check_bytes(const unsigned char *data, size_t size, int rank)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != byte_of(rank, i)) {
            fail_msg("byte %zu of rank %d", i, rank);
        }
    }
}

static void write_bytes(unsigned char *data, size_t size, int rank)
{
    for (size_t i = 0; i < size; i++) {
        data[i] = byte_of(rank, i);
    }
}

/* sizes[r] bytes of each rank; in place, or from memory of its own. */
static void gather(struct comm *comm, const int64_t *sizes, bool in_place)
{
    size_t total = 0, place = 0, own = (size_t)sizes[comm_rank(comm)];
    for (int r = 0; r < comm_size(comm); r++) {
        place = r == comm_rank(comm) ? total : place;
        total += (size_t)sizes[r];
    }
    unsigned char *all, *mine;
    assert_ok(memory_allocate(total + 1, 1, &all));
    assert_ok(memory_allocate(own + 1, 1, &mine));
    all[total] = 0xee; /* must stay */
    write_bytes(in_place ? all + place : mine, own, comm_rank(comm));
    assert_ok(comm_gather_all(comm, in_place ? all + place : mine, sizes, all));
    for (size_t r = 0, next = 0; r < (size_t)comm_size(comm); next += (size_t)sizes[r], r++) {
        check_bytes(all + next, (size_t)sizes[r], (int)r);
    }
    assert_int_equal(all[total], 0xee);
    free(all);
    free(mine);
}

static void unequal_sizes_are_gathered_in_rank_order(void **state)
{
    struct comm *comm = *state;
    const int64_t small[4] = {3, 0, 1000, 70001};
    gather(comm, small, false);
    gather(comm, small, true);
    const int64_t nothing[4] = {0, 0, 0, 0};
    gather(comm, nothing, false);
}

static void gathers_and_broadcasts_beyond_one_call_are_cut(void **state)
{
    struct comm *comm = *state;
    const int64_t large[4] = {70 << 20, 5, 1 << 20, 0}; /* one MPI call takes 64 MiB */
    gather(comm, large, false);
    gather(comm, large, true);

    size_t size = (size_t)70 << 20;
    int root = comm_size(comm) - 1;
    unsigned char *data;
    assert_ok(memory_allocate(size, 1, &data));
    if (comm_rank(comm) == root) {
        write_bytes(data, size, root);
    }
    assert_ok(comm_broadcast(comm, data, size, root));
    check_bytes(data, size, root);
    free(data);
}

static void equal_fields_agree(void **state)
{
    struct comm *comm = *state;
    const struct agreement fields[] = {{"program", "0.1.0"}, {"run.seed", "1"}, {"data", ""}};
    assert_ok(comm_agree(comm, fields, COUNT_OF(fields)));
    assert_ok(comm_agree(comm, NULL, 0));
}

/* The message is the expected one, on every rank. */
static void check_refused(struct comm *comm, const struct agreement *fields, size_t count, const char *expected)
{
    assert_int_equal(comm_agree(comm, fields, count), STATUS_BAD_INPUT);
    assert_string_equal(status_message(), expected);
}

/* "rank 0 has A; rank 1 has B", or with more ranks "ranks 0, 2, 3 have A; rank 1 has B". */
static void expect(struct text *text, int ranks, const char *common, const char *other)
{
    assert_ok(text_add(text, "the ranks differ: "));
    assert_ok(text_add(text, "%s %s; rank 1 has %s",
                       ranks == 2   ? "rank 0 has"
                       : ranks == 3 ? "ranks 0, 2 have"
                                    : "ranks 0, 2, 3 have",
                       common, other));
    assert_ok(text_add(text, ". Start all ranks with the same program, configuration and data"));
}

static void a_difference_is_named_on_all_ranks(void **state)
{
    struct comm *comm = *state;
    bool odd = comm_rank(comm) == 1;
    if (comm_size(comm) == 1) {
        skip();
    }
    struct text value = {0}, field = {0}, missing = {0};

    const struct agreement seeds[] = {{"program", "0.1.0"}, {"run.seed", odd ? "7" : "1"}, {"data", odd ? "a" : "b"}};
    expect(&value, comm_size(comm), "run.seed = 1", "run.seed = 7");
    check_refused(comm, seeds, COUNT_OF(seeds), text_get(&value));

    const struct agreement names[] = {{"program", "0.1.0"}, {odd ? "run.steps" : "run.epochs", "5"}};
    expect(&field, comm_size(comm), "run.epochs = 5", "run.steps = 5");
    check_refused(comm, names, COUNT_OF(names), text_get(&field));

    expect(&missing, comm_size(comm), "run.seed = 1", "no further field");
    const struct agreement more[] = {{"program", "0.1.0"}, {"run.seed", "1"}};
    check_refused(comm, more, odd ? 1 : 2, text_get(&missing));

    text_release(&value);
    text_release(&field);
    text_release(&missing);
}

static void a_stand_in_answers_for_its_rank_alone(void **state)
{
    (void)state;
    struct comm *comm;
    assert_ok(comm_create_stand_in(2, 3, &comm));
    assert_true(comm_is_stand_in(comm));
    assert_int_equal(comm_rank(comm), 2);
    assert_int_equal(comm_size(comm), 3);
    assert_int_equal(comm_local_size(comm), 3);
    int64_t largest = 0;
    assert_ok(comm_max(comm, 7, &largest));
    assert_int_equal(largest, 7);
    assert_ok(comm_barrier(comm));
    const struct agreement fields[] = {{"run.seed", "1"}};
    assert_ok(comm_agree(comm, fields, COUNT_OF(fields)));
    const int64_t sizes[] = {1, 2, 1};
    char all[] = "....";
    assert_ok(comm_gather_all(comm, "x", sizes, all));
    assert_string_equal(all, "...x");
    assert_ok(comm_broadcast(comm, all, sizeof all, 0));
    assert_string_equal(all, "...x");
    comm_destroy(comm);
}

/* Once in a job, so the last of all. */
static void ranks_that_all_arrive_find_each_other(void **state)
{
    struct comm *comm = *state;
    assert_false(comm_is_stand_in(comm));
    assert_true(comm_all_arrive(comm, 60));
}

int main(void)
{
    struct comm *comm;
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* one rank's failure ends the job, or the others would wait for it */
    if (comm_create(&comm) != STATUS_OK) {
        print_error("%s\n", status_message());
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(ranks_of_one_host_are_local_to_each_other, comm),
        cmocka_unit_test_prestate(the_largest_value_reaches_all, comm),
        cmocka_unit_test_prestate(unequal_sizes_are_gathered_in_rank_order, comm),
        cmocka_unit_test_prestate(gathers_and_broadcasts_beyond_one_call_are_cut, comm),
        cmocka_unit_test_prestate(equal_fields_agree, comm),
        cmocka_unit_test_prestate(a_difference_is_named_on_all_ranks, comm),
        cmocka_unit_test_prestate(a_stand_in_answers_for_its_rank_alone, comm),
        cmocka_unit_test_prestate(ranks_that_all_arrive_find_each_other, comm),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    comm_destroy(comm);
    return failed;
}
