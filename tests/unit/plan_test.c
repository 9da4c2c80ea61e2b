/* Plans by brute force over random tapes: no two live ranges share memory, every hazard has its barrier, no needless
 * ones. */
#include "tests/unit/test.h"

#include <string.h>

#include "base/random.h"
#include "compute/graph/plan.h"

enum { FLAT = 8192, MAX_STEPS = 60, MAX_TENSORS = 40 };

struct made {
    struct tape tape;
    struct tensor tensors[MAX_TENSORS];
    struct tape_step steps[MAX_STEPS];
};

/* A tape of random dispatches and host steps over arena tensors, gradients and an exchange tensor. */
static void make_tape(struct made *made, uint64_t seed)
{
    struct random random;
    random_init(&random, seed, RANDOM_DATA, 0);
    memset(made, 0, sizeof *made);
    struct tape *tape = &made->tape;
    tape->flat_count = FLAT;
    tape->tensors = made->tensors;
    tape->steps = made->steps;
    tape->tensor_count = 3 + (int)random_below(&random, MAX_TENSORS - 3);
    for (int i = 0; i < tape->tensor_count; i++) {
        made->tensors[i] = (struct tensor){.region = REGION_ARENA, .size = 1 + random_below(&random, 5000)};
    }
    made->tensors[0] = (struct tensor){.region = REGION_GRADIENTS, .size = UINT64_MAX};
    made->tensors[1] = (struct tensor){.region = REGION_EXCHANGE, .size = 256, .offset = 512};
    tape->step_count = (int)random_below(&random, MAX_STEPS);
    for (int i = 0; i < tape->step_count; i++) {
        struct tape_step *step = &made->steps[i];
        if (random_below(&random, 12) == 0) {
            step->kind = STEP_HOST;
            step->host.input = tape_bind(tape, 1, ACCESS_READ);
            step->host.output = tape_bind(tape, 1, ACCESS_WRITE);
            continue;
        }
        step->kind = STEP_DISPATCH;
        struct dispatch *dispatch = &step->dispatch;
        dispatch->binding_count = 1 + (int)random_below(&random, 4);
        for (int j = 0; j < dispatch->binding_count; j++) {
            int tensor = (int)random_below(&random, (uint32_t)tape->tensor_count);
            enum access access = (enum access)(1 + random_below(&random, 3));
            dispatch->bindings[j] = tape_bind(tape, tensor, access);
            if (tensor == 0) { /* some gradient in one of two copies */
                dispatch->bindings[j].offset = (FLAT * random_below(&random, 2) + 64 * random_below(&random, 120)) * 4;
                dispatch->bindings[j].size = 4 * (1 + random_below(&random, 500));
            }
        }
    }
}

static int bindings_of(const struct tape_step *step, struct binding out[4])
{
    if (step->kind == STEP_HOST) {
        out[0] = step->host.input;
        out[1] = step->host.output;
        return 2;
    }
    memcpy(out, step->dispatch.bindings, sizeof(struct binding) * (size_t)step->dispatch.binding_count);
    return step->dispatch.binding_count;
}

/* Whether two steps touch a common byte and one of them writes it. */
static bool hazard(const struct tape *tape, const struct plan *plan, int a, int b)
{
    struct binding x[4];
    struct binding y[4];
    int x_count = bindings_of(&tape->steps[a], x);
    int y_count = bindings_of(&tape->steps[b], y);
    for (int i = 0; i < x_count; i++) {
        for (int j = 0; j < y_count; j++) {
            uint64_t x_begin;
            uint64_t x_end;
            uint64_t y_begin;
            uint64_t y_end;
            plan_range(plan, &x[i], &x_begin, &x_end);
            plan_range(plan, &y[j], &y_begin, &y_end);
            if (tape->tensors[x[i].tensor].region == tape->tensors[y[j].tensor].region && x_begin < y_end &&
                y_begin < x_end && ((x[i].access | y[j].access) & ACCESS_WRITE)) {
                return true;
            }
        }
    }
    return false;
}

static void check_lifetimes(const struct tape *tape, const struct plan *plan)
{
    int first[MAX_TENSORS];
    int last[MAX_TENSORS];
    for (int i = 0; i < tape->tensor_count; i++) {
        first[i] = MAX_STEPS;
        last[i] = -1;
    }
    for (int i = 0; i < tape->step_count; i++) {
        struct binding bindings[4];
        int count = bindings_of(&tape->steps[i], bindings);
        for (int j = 0; j < count; j++) {
            int tensor = bindings[j].tensor;
            first[tensor] = i < first[tensor] ? i : first[tensor];
            last[tensor] = i;
        }
    }
    for (int i = 2; i < tape->tensor_count; i++) {
        assert_int_equal(plan->offsets[i] % TENSOR_ALIGNMENT, 0);
        if (last[i] < 0) {
            continue;
        }
        assert_true(plan->offsets[i] + tape->tensors[i].size <= plan->arena_size);
        for (int j = 2; j < i; j++) {
            bool alive_together = last[j] >= 0 && first[i] <= last[j] && first[j] <= last[i];
            bool apart = plan->offsets[i] + tape->tensors[i].size <= plan->offsets[j] ||
                         plan->offsets[j] + tape->tensors[j].size <= plan->offsets[i];
            assert_true(!alive_together || apart);
        }
    }
}

static void check_barriers(const struct tape *tape, const struct plan *plan)
{
    for (int b = 0; b < tape->step_count; b++) {
        bool needed = tape->steps[b].kind == STEP_HOST || (b > 0 && tape->steps[b - 1].kind == STEP_HOST);
        for (int a = b - 1; a >= 0; a--) {
            bool between = plan->barriers[b];
            for (int i = a + 1; i < b && !between; i++) {
                between = plan->barriers[i];
            }
            if (hazard(tape, plan, a, b)) {
                assert_true(between);
            }
        }
        /* Needless ones: without this barrier some hazard must stay open. */
        for (int a = b - 1; a >= 0 && !needed; a--) {
            needed = hazard(tape, plan, a, b);
            if (plan->barriers[a]) {
                break;
            }
        }
        assert_true(needed || !plan->barriers[b]);
    }
}

static bool writes_gradients(const struct tape_step *step)
{
    struct binding bindings[4];
    int count = bindings_of(step, bindings);
    for (int i = 0; i < count; i++) {
        if (bindings[i].tensor == 0 && (bindings[i].access & ACCESS_WRITE)) {
            return true;
        }
    }
    return false;
}

/* The last step that writes to gradients below `end`; -1: none. */
static int last_write_below(const struct tape *tape, int64_t end)
{
    int last = -1;
    for (int i = 0; i < tape->step_count; i++) {
        struct binding bindings[4];
        int count = bindings_of(&tape->steps[i], bindings);
        for (int j = 0; j < count; j++) {
            if (bindings[j].tensor == 0 && (bindings[j].access & ACCESS_WRITE) &&
                (int64_t)(bindings[j].offset / 4 % FLAT) < end) {
                last = i;
            }
        }
    }
    return last;
}

static void check_segments(const struct tape *tape, const struct plan *plan, const struct bucket_range *buckets,
                           int bucket_count)
{
    int next = 0;
    int bucket = 0;
    for (int i = 0; i < plan->segment_count; i++) {
        const struct segment *segment = &plan->segments[i];
        assert_int_equal(segment->first_step, next);
        next += segment->step_count;
        for (int j = segment->first_step; j < next; j++) {
            assert_int_equal(tape->steps[j].kind, STEP_DISPATCH);
        }
        if (segment->end == SEGMENT_HOST) {
            assert_int_equal(segment->host_step, next);
            assert_int_equal(tape->steps[next].kind, STEP_HOST);
            next++;
        }
        if (segment->end == SEGMENT_BUCKETS) {
            assert_int_equal(segment->first_bucket, bucket);
            assert_true(segment->bucket_count > 0);
            /* Not later than needed: the segment ends with a write to gradients, or with the tape. */
            assert_true(next == tape->step_count || writes_gradients(&tape->steps[next - 1]));
            bucket += segment->bucket_count;
            /* As soon as they are complete. */
            int last = last_write_below(tape, buckets[bucket - 1].offset + buckets[bucket - 1].count);
            assert_true(last < 0 || last >= segment->first_step || segment->first_step == next);
            /* Nothing behind the segment writes to what it hands out. */
            for (int j = next; j < tape->step_count; j++) {
                struct binding bindings[4];
                int count = bindings_of(&tape->steps[j], bindings);
                for (int k = 0; k < count; k++) {
                    if (bindings[k].tensor != 0 || !(bindings[k].access & ACCESS_WRITE)) {
                        continue;
                    }
                    uint64_t at = bindings[k].offset / 4 % FLAT;
                    assert_true(at >= (uint64_t)(buckets[bucket - 1].offset + buckets[bucket - 1].count));
                }
            }
        }
    }
    assert_int_equal(next, tape->step_count);
    assert_int_equal(bucket, bucket_count);
    assert_int_equal(plan->segments[plan->segment_count - 1].end, SEGMENT_DONE);
}

static void random_tapes_get_sound_plans(void **state)
{
    (void)state;
    static struct made made;
    const struct bucket_range buckets[] = {{0, 2048}, {2048, 4096}, {6144, 2048}};
    for (uint64_t seed = 0; seed < 2000; seed++) {
        make_tape(&made, seed);
        int bucket_count = seed % 3 == 0 ? 0 : 3;
        struct plan plan;
        assert_ok(plan_create(&made.tape, buckets, bucket_count, &plan));
        check_lifetimes(&made.tape, &plan);
        check_barriers(&made.tape, &plan);
        check_segments(&made.tape, &plan, buckets, bucket_count);
        plan_release(&plan);
    }
}

/* A chain a -> b -> c -> d needs no more memory than its two largest neighbours. */
static void dead_memory_is_used_again(void **state)
{
    (void)state;
    static struct made made;
    memset(&made, 0, sizeof made);
    made.tape = (struct tape){
        .flat_count = FLAT, .tensors = made.tensors, .steps = made.steps, .tensor_count = 4, .step_count = 3};
    const uint64_t sizes[4] = {1024, 4096, 2048, 1024};
    for (int i = 0; i < 4; i++) {
        made.tensors[i] = (struct tensor){.region = REGION_ARENA, .size = sizes[i]};
    }
    for (int i = 0; i < 3; i++) {
        made.steps[i].dispatch.binding_count = 2;
        made.steps[i].dispatch.bindings[0] = tape_bind(&made.tape, i, ACCESS_READ);
        made.steps[i].dispatch.bindings[1] = tape_bind(&made.tape, i + 1, ACCESS_WRITE);
    }
    struct plan plan;
    assert_ok(plan_create(&made.tape, NULL, 0, &plan));
    assert_int_equal(plan.arena_size, 4096 + 2048);
    plan_release(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_tapes_get_sound_plans),
        cmocka_unit_test(dead_memory_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
