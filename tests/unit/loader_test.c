/*
 * The loader: which samples a batch holds, on any number of ranks, from any start, and that no thread is left behind.
 */
#include "tests/unit/data_test.h"

#include <stdatomic.h>

#include "data/loader.h"
#include "data/order.h"

/* A dataset that says what it was asked for: field 0 is (index, epoch), field 1 the index. */
struct counting {
    struct dataset dataset;
    int64_t failing;   /* the index that cannot be read; -1: none */
    atomic_int delays; /* reads that still take a moment */
    atomic_int reads;
};

static enum status counting_read(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                                 void *const fields[])
{
    struct counting *counting = dataset->state;
    atomic_fetch_add(&counting->reads, 1);
    if (atomic_load(&counting->delays) > 0) {
        atomic_fetch_sub(&counting->delays, 1);
        usleep(1000);
    }
    if (index == counting->failing) {
        return fail(STATUS_CORRUPT, "nothing to see");
    }
    float *input = fields[0];
    input[0] = (float)index + (split == SPLIT_TEST ? 0.5F : 0.0F);
    input[1] = (float)epoch;
    input[2] = input[3] = 0.0F;
    int32_t *label = fields[1];
    *label = (int32_t)index;
    return STATUS_OK;
}

static const struct dataset_type counting_type = {.name = "counting", .read = counting_read};

static void counting_init(struct counting *counting, int64_t train, int64_t test)
{
    *counting = (struct counting){.failing = -1};
    struct dataset *dataset = &counting->dataset;
    dataset->type = &counting_type;
    dataset->state = counting;
    dataset->fields[0] = (struct field){.name = "input", .dtype = DTYPE_FLOAT32, .shape = shape_vector(2)};
    dataset->fields[1] = (struct field){.name = "label", .dtype = DTYPE_INT32, .shape = shape_scalar()};
    dataset->field_count = 2;
    dataset->count[SPLIT_TRAIN] = train;
    dataset->count[SPLIT_TEST] = test;
}

static struct loader_params training(const struct counting *counting, int64_t batch)
{
    return (struct loader_params){
        .dataset = &counting->dataset, .split = SPLIT_TRAIN, .train = true, .seed = 7, .batch = batch, .count = batch};
}

static struct loader_params evaluation(const struct counting *counting, int64_t batch)
{
    return (struct loader_params){
        .dataset = &counting->dataset, .split = SPLIT_TEST, .seed = 7, .batch = batch, .count = batch};
}

static struct loader *create(struct loader_params params)
{
    struct loader *loader;
    assert_ok(loader_create(&params, &loader));
    return loader;
}

static const struct batch *next(struct loader *loader)
{
    const struct batch *batch;
    assert_ok(loader_next(loader, &batch));
    return batch;
}

static void an_order_is_a_permutation_of_seed_and_epoch(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    uint32_t orders[4][COUNT];
    order_shuffle(1, RANDOM_ORDER, 0, orders[0], COUNT);
    order_shuffle(1, RANDOM_ORDER, 0, orders[1], COUNT);
    order_shuffle(1, RANDOM_ORDER, 1, orders[2], COUNT);
    order_shuffle(2, RANDOM_ORDER, 0, orders[3], COUNT);
    assert_memory_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_not_equal(orders[0], orders[2], sizeof orders[0]);
    assert_memory_not_equal(orders[0], orders[3], sizeof orders[0]);
    int fixed = 0;
    for (int k = 0; k < 4; k++) {
        bool seen[COUNT] = {false};
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_true(orders[k][i] < COUNT && !seen[orders[k][i]]);
            seen[orders[k][i]] = true;
            fixed += orders[k][i] == i;
        }
    }
    assert_true(fixed < 20);
    /* Every one of the 6 orders of 3 comes about as often. */
    int often[6] = {0};
    for (uint64_t item = 0; item < 6000; item++) {
        uint32_t order[3];
        order_shuffle(3, RANDOM_ORDER, item, order, 3);
        often[order[0] * 2 + (order[1] > order[2] ? 1 : 0)]++;
    }
    for (int i = 0; i < 6; i++) {
        assert_in_range(often[i], 900, 1100);
    }
}

static void an_epoch_holds_each_sample_at_most_once(void **state)
{
    (void)state;
    struct counting counting;
    counting_init(&counting, 23, 0);
    struct loader *loader = create(training(&counting, 5));
    assert_int_equal(loader_steps(loader), 4);
    int64_t orders[3][20];
    for (int64_t epoch = 0; epoch < 3; epoch++) {
        bool seen[23] = {false};
        for (int64_t step = 0; step < 4; step++) {
            const struct batch *batch = next(loader);
            assert_int_equal(batch->step, epoch * 4 + step);
            assert_int_equal(batch->epoch, epoch);
            assert_int_equal(batch->valid, 5);
            for (int i = 0; i < 5; i++) {
                int64_t index = batch->indices[i];
                assert_in_range(index, 0, 22);
                assert_false(seen[index]);
                seen[index] = true;
                orders[epoch][step * 5 + i] = index;
                assert_float_equal(batch->weights[i], 1.0, 0.0);
                const float *input = batch->fields[0];
                const int32_t *label = batch->fields[1];
                assert_float_equal(input[4 * i], (float)index, 0.0);
                assert_float_equal(input[4 * i + 1], (float)epoch, 0.0);
                assert_int_equal(label[i], index);
            }
        }
    }
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_not_equal(orders[1], orders[2], sizeof orders[0]);
    loader_destroy(loader);
}

/* The indices of `steps` batches of a part of the whole. */
static void record(const struct counting *counting, bool train, int64_t first, int64_t count, int64_t start,
                   int64_t steps, int64_t batch_size, int64_t *indices)
{
    struct loader_params params = train ? training(counting, batch_size) : evaluation(counting, batch_size);
    params.first = first;
    params.count = count;
    params.start = start;
    struct loader *loader = create(params);
    for (int64_t step = 0; step < steps; step++) {
        const struct batch *batch = next(loader);
        assert_non_null(batch);
        assert_int_equal(batch->step, start + step);
        const int32_t *label = batch->fields[1];
        for (int64_t i = 0; i < count; i++) {
            indices[step * batch_size + first + i] = batch->indices[i];
            assert_true(batch->indices[i] == -1 || batch->indices[i] == label[i]);
        }
    }
    loader_destroy(loader);
}

static void ranks_together_hold_the_batch_of_one(void **state)
{
    (void)state;
    enum { STEPS = 7, BATCH = 6 };
    struct counting counting;
    counting_init(&counting, 20, 40);
    for (int train = 0; train <= 1; train++) {
        int64_t whole[STEPS * BATCH];
        int64_t joined[STEPS * BATCH];
        record(&counting, train, 0, BATCH, 0, STEPS, BATCH, whole);
        record(&counting, train, 0, 1, 0, STEPS, BATCH, joined);
        record(&counting, train, 1, 3, 0, STEPS, BATCH, joined);
        record(&counting, train, 4, 2, 0, STEPS, BATCH, joined);
        assert_memory_equal(whole, joined, sizeof whole);
    }
}

static void a_later_start_continues_the_same_order(void **state)
{
    (void)state;
    enum { STEPS = 11, BATCH = 4 };
    struct counting counting;
    counting_init(&counting, 14, 0);
    int64_t whole[STEPS * BATCH];
    record(&counting, true, 0, BATCH, 0, STEPS, BATCH, whole);
    for (int64_t start = 1; start < STEPS; start++) {
        int64_t rest[STEPS * BATCH];
        record(&counting, true, 0, BATCH, start, STEPS - start, BATCH, rest);
        assert_memory_equal(whole + start * BATCH, rest, (size_t)((STEPS - start) * BATCH) * sizeof *rest);
    }
}

static void an_evaluation_goes_in_order_and_fills_up(void **state)
{
    (void)state;
    struct counting counting;
    counting_init(&counting, 1, 10);
    struct loader *loader = create(evaluation(&counting, 4));
    assert_int_equal(loader_steps(loader), 3);
    for (int round = 0; round < 2; round++) {
        for (int64_t step = 0; step < 3; step++) {
            const struct batch *batch = next(loader);
            assert_non_null(batch);
            assert_int_equal(batch->step, step);
            assert_int_equal(batch->valid, step < 2 ? 4 : 2);
            for (int64_t i = 0; i < 4; i++) {
                bool real = step * 4 + i < 10;
                const float *input = batch->fields[0];
                assert_int_equal(batch->indices[i], real ? step * 4 + i : -1);
                assert_float_equal(batch->weights[i], real ? 1.0 : 0.0, 0.0);
                /* A sample that only fills up is a real one of the split. */
                assert_true(input[4 * i] >= 0.5F && input[4 * i] < 10.0F);
            }
        }
        assert_null(next(loader));
        assert_null(next(loader));
        assert_ok(loader_restart(loader, 0));
    }
    loader_destroy(loader);

    counting_init(&counting, 1, 0);
    loader = create(evaluation(&counting, 4));
    assert_int_equal(loader_steps(loader), 0);
    assert_null(next(loader));
    loader_destroy(loader);
}

static void a_rank_may_have_nothing_but_filling(void **state)
{
    (void)state;
    struct counting counting;
    counting_init(&counting, 1, 3);
    struct loader_params params = evaluation(&counting, 8);
    params.first = 6;
    params.count = 2;
    struct loader *loader = create(params);
    const struct batch *batch = next(loader);
    assert_int_equal(batch->valid, 3);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(batch->indices[i], -1);
        assert_float_equal(batch->weights[i], 0.0, 0.0);
    }
    assert_null(next(loader));
    loader_destroy(loader);
}

static void too_few_samples_name_the_key(void **state)
{
    (void)state;
    struct counting counting;
    counting_init(&counting, 9, 9);
    struct loader *loader;
    struct loader_params params = training(&counting, 10);
    assert_int_equal(loader_create(&params, &loader), STATUS_BAD_INPUT);
    assert_null(loader);
    assert_non_null(strstr(status_message(), "set run.batch to 9 or less"));
    params.batch = params.count = 9;
    assert_ok(loader_create(&params, &loader));
    assert_int_equal(loader_steps(loader), 1);
    loader_destroy(loader);
    loader_destroy(NULL);
}

static void a_failed_read_comes_out_behind_whole_batches(void **state)
{
    (void)state;
    struct counting counting;
    counting_init(&counting, 1, 12);
    counting.failing = 9;
    struct loader *loader = create(evaluation(&counting, 4));
    for (int round = 0; round < 2; round++) {
        assert_int_equal(next(loader)->indices[0], 0);
        assert_int_equal(next(loader)->indices[0], 4);
        for (int again = 0; again < 2; again++) {
            const struct batch *batch;
            assert_int_equal(loader_next(loader, &batch), STATUS_CORRUPT);
            assert_null(batch);
            assert_string_equal(status_message(), "sample 9 of the test split: nothing to see");
        }
        assert_ok(loader_restart(loader, 0));
    }
    assert_int_equal(next(loader)->indices[0], 0);
    assert_int_equal(next(loader)->indices[0], 4);
    loader_destroy(loader);

    counting_init(&counting, 1, 4);
    counting.failing = 3;
    loader = create(evaluation(&counting, 4));
    const struct batch *batch;
    assert_int_equal(loader_next(loader, &batch), STATUS_CORRUPT);
    counting.failing = -1; /* the thread waits: it reads nothing before the restart */
    assert_ok(loader_restart(loader, 0));
    assert_int_equal(next(loader)->indices[3], 3);
    assert_null(next(loader));
    loader_destroy(loader);
}

/* Restarts while the thread fills, waits for room, is done, and has not begun. */
static void a_restart_is_clean_in_any_state(void **state)
{
    (void)state;
    enum { BATCH = 3 };
    struct counting counting;
    counting_init(&counting, 13, 0);
    int64_t whole[30 * BATCH];
    record(&counting, true, 0, BATCH, 0, 30, BATCH, whole);
    struct loader *loader = create(training(&counting, BATCH));
    for (int round = 0; round < 60; round++) {
        int64_t start = (round * 7) % 20;
        atomic_store(&counting.delays, round % 3 == 0 ? 4 : 0);
        if (round % 5 == 4) {
            usleep(2000);
        }
        assert_ok(loader_restart(loader, start));
        for (int64_t step = start; step < start + round % 6; step++) {
            const struct batch *batch = next(loader);
            assert_int_equal(batch->step, step);
            assert_memory_equal(batch->indices, whole + step * BATCH, BATCH * sizeof *whole);
        }
    }
    loader_destroy(loader);
}

static void a_batch_stays_as_it_is_until_the_next(void **state)
{
    (void)state;
    struct counting counting;
    counting_init(&counting, 40, 0);
    struct loader *loader = create(training(&counting, 4));
    for (int step = 0; step < 20; step++) {
        const struct batch *batch = next(loader);
        int32_t before[4];
        memcpy(before, batch->fields[1], sizeof before);
        usleep(500); /* the thread goes on until no slot is free */
        assert_memory_equal(before, batch->fields[1], sizeof before);
        assert_int_equal(batch->step, step);
    }
    loader_destroy(loader);
}

static void an_end_never_waits_for_a_whole_batch(void **state)
{
    (void)state;
    struct counting counting;
    for (int round = 0; round < 20; round++) {
        counting_init(&counting, 1000000, 0);
        atomic_store(&counting.delays, 1000000);
        struct loader *loader = create(training(&counting, 1000000));
        usleep(round % 2 == 0 ? 0 : 2000);
        loader_destroy(loader);
        assert_true(atomic_load(&counting.reads) < 500000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_order_is_a_permutation_of_seed_and_epoch),
        cmocka_unit_test(an_epoch_holds_each_sample_at_most_once),
        cmocka_unit_test(ranks_together_hold_the_batch_of_one),
        cmocka_unit_test(a_later_start_continues_the_same_order),
        cmocka_unit_test(an_evaluation_goes_in_order_and_fills_up),
        cmocka_unit_test(a_rank_may_have_nothing_but_filling),
        cmocka_unit_test(too_few_samples_name_the_key),
        cmocka_unit_test(a_failed_read_comes_out_behind_whole_batches),
        cmocka_unit_test(a_restart_is_clean_in_any_state),
        cmocka_unit_test(a_batch_stays_as_it_is_until_the_next),
        cmocka_unit_test(an_end_never_waits_for_a_whole_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
