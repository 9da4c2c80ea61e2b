#include "compute/graph/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The bindings of a step, whatever its kind. */
static int step_bindings(const struct tape_step *step, struct binding bindings[DISPATCH_MAX_BINDINGS])
{
    if (step->kind == STEP_HOST) {
        bindings[0] = step->host.input;
        bindings[1] = step->host.output;
        return 2;
    }
    memcpy(bindings, step->dispatch.bindings, (size_t)step->dispatch.binding_count * sizeof *bindings);
    return step->dispatch.binding_count;
}

/* --- lifetimes and offsets ------------------------------------------------------------------------------------ */

struct lifetime {
    int tensor;
    int first, last; /* steps; first > last: never used */
    uint64_t size;
    uint64_t offset;
};

static void find_lifetimes(const struct tape *tape, struct lifetime *lifetimes)
{
    for (int i = 0; i < tape->tensor_count; i++) {
        lifetimes[i] = (struct lifetime){.tensor = i, .first = tape->step_count, .last = -1};
    }
    for (int i = 0; i < tape->step_count; i++) {
        struct binding bindings[DISPATCH_MAX_BINDINGS];
        int count = step_bindings(&tape->steps[i], bindings);
        for (int j = 0; j < count; j++) {
            struct lifetime *lifetime = &lifetimes[bindings[j].tensor];
            lifetime->first = i < lifetime->first ? i : lifetime->first;
            lifetime->last = i;
        }
    }
}

/* Large ones first: the small ones fill the gaps. Ties by age, so that the plan is the same everywhere. */
static int by_size(const void *a, const void *b)
{
    const struct lifetime *x = a;
    const struct lifetime *y = b;
    if (x->size != y->size) {
        return x->size > y->size ? -1 : 1;
    }
    return x->tensor - y->tensor;
}

static bool overlap(const struct lifetime *a, const struct lifetime *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Keeps the placed ones in ascending order of offset. */
static void insert_placed(const struct lifetime **placed, int count, const struct lifetime *added)
{
    int at = count;
    while (at > 0 && placed[at - 1]->offset > added->offset) {
        placed[at] = placed[at - 1];
        at--;
    }
    placed[at] = added;
}

/* Greedy by size (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020). */
static enum status place_tensors(const struct tape *tape, struct plan *plan)
{
    struct lifetime *lifetimes = NULL;
    const struct lifetime **placed = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)tape->tensor_count, sizeof *lifetimes, &lifetimes));
    TRY_OUT(memory_allocate((size_t)tape->tensor_count, sizeof(struct lifetime *), &placed));
    find_lifetimes(tape, lifetimes);
    int count = 0;
    for (int i = 0; i < tape->tensor_count; i++) {
        const struct tensor *tensor = &tape->tensors[i];
        plan->offsets[i] = tensor->offset;
        if (tensor->region == REGION_ARENA && lifetimes[i].last >= 0) {
            lifetimes[i].size = round_up(tensor->size, TENSOR_ALIGNMENT);
            lifetimes[count++] = lifetimes[i];
        }
    }
    qsort(lifetimes, (size_t)count, sizeof *lifetimes, by_size);
    for (int i = 0; i < count; i++) {
        struct lifetime *lifetime = &lifetimes[i];
        uint64_t offset = 0;
        for (int j = 0; j < i; j++) {
            uint64_t end = placed[j]->offset + placed[j]->size;
            if (!overlap(lifetime, placed[j]) || end <= offset) {
                continue;
            }
            if (placed[j]->offset >= offset + lifetime->size) {
                break; /* the gap before this one is wide enough */
            }
            offset = end;
        }
        lifetime->offset = offset;
        plan->offsets[lifetime->tensor] = offset;
        if (offset + lifetime->size > plan->arena_size) {
            plan->arena_size = offset + lifetime->size;
        }
        insert_placed(placed, i, lifetime);
    }
out:
    free(lifetimes);
    free(placed);
    return status;
}

void plan_range(const struct plan *plan, const struct binding *binding, uint64_t *begin, uint64_t *end)
{
    *begin = plan->offsets[binding->tensor] + binding->offset;
    *end = *begin + binding->size;
}

/* --- barriers --------------------------------------------------------------------------------------------------- */

struct touched {
    enum region region;
    uint64_t begin, end;
    bool written;
};

static bool conflicts(const struct touched *earlier, int count, const struct touched *later)
{
    for (int i = 0; i < count; i++) {
        if (earlier[i].region == later->region && earlier[i].begin < later->end && later->begin < earlier[i].end &&
            (earlier[i].written || later->written)) {
            return true;
        }
    }
    return false;
}

/* One memory barrier orders everything before it, so only what was touched since the last one counts. */
static enum status place_barriers(const struct tape *tape, struct plan *plan)
{
    struct touched *since = NULL;
    TRY(memory_allocate((size_t)tape->step_count * DISPATCH_MAX_BINDINGS + 1, sizeof *since, &since));
    int count = 0;
    for (int i = 0; i < tape->step_count; i++) {
        struct binding bindings[DISPATCH_MAX_BINDINGS];
        struct touched now[DISPATCH_MAX_BINDINGS];
        int binding_count = step_bindings(&tape->steps[i], bindings);
        bool barrier = false;
        for (int j = 0; j < binding_count; j++) {
            now[j] = (struct touched){.region = tape->tensors[bindings[j].tensor].region,
                                      .written = (bindings[j].access & ACCESS_WRITE) != 0};
            plan_range(plan, &bindings[j], &now[j].begin, &now[j].end);
            barrier = barrier || conflicts(since, count, &now[j]);
        }
        /* The host waits for all that came before its step, and all that follows waits for the host. */
        bool host = tape->steps[i].kind == STEP_HOST || (i > 0 && tape->steps[i - 1].kind == STEP_HOST);
        plan->barriers[i] = barrier || host;
        if (plan->barriers[i]) {
            count = 0;
        }
        memcpy(since + count, now, (size_t)binding_count * sizeof *now);
        count += binding_count;
    }
    free(since);
    return STATUS_OK;
}

/* --- segments --------------------------------------------------------------------------------------------------- */

/* The last step that writes gradients of [offset, offset + count) in any copy; -1: none. */
static int last_writer(const struct tape *tape, const struct bucket_range *bucket)
{
    uint64_t copy = (uint64_t)tape->flat_count * sizeof(float);
    uint64_t begin = (uint64_t)bucket->offset * sizeof(float);
    uint64_t end = begin + (uint64_t)bucket->count * sizeof(float);
    for (int i = tape->step_count - 1; i >= 0; i--) {
        struct binding bindings[DISPATCH_MAX_BINDINGS];
        int count = step_bindings(&tape->steps[i], bindings);
        for (int j = 0; j < count; j++) {
            const struct binding *binding = &bindings[j];
            uint64_t at = binding->offset % copy;
            if (tape->tensors[binding->tensor].region == REGION_GRADIENTS && (binding->access & ACCESS_WRITE) != 0 &&
                at < end && begin < at + binding->size) {
                return i;
            }
        }
    }
    return -1;
}

static enum status add_segment(struct plan *plan, struct segment segment)
{
    TRY(memory_resize((size_t)plan->segment_count + 1, sizeof *plan->segments, &plan->segments));
    plan->segments[plan->segment_count++] = segment;
    return STATUS_OK;
}

static enum status cut_segments(const struct tape *tape, const struct bucket_range *buckets, int bucket_count,
                                struct plan *plan)
{
    int *ready = NULL; /* by bucket: the step behind which it and all before it are complete */
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)bucket_count, sizeof *ready, &ready));
    for (int i = 0; i < bucket_count; i++) {
        ready[i] = last_writer(tape, &buckets[i]);
        if (i > 0 && ready[i] < ready[i - 1]) {
            ready[i] = ready[i - 1];
        }
    }
    int first = 0;
    int bucket = 0;
    for (int i = 0; i < tape->step_count; i++) {
        if (tape->steps[i].kind == STEP_HOST) {
            TRY_OUT(add_segment(
                plan,
                (struct segment){.first_step = first, .step_count = i - first, .end = SEGMENT_HOST, .host_step = i}));
            first = i + 1;
            continue;
        }
        int next = bucket;
        while (next < bucket_count && ready[next] <= i) {
            next++;
        }
        /* Buckets that nobody writes (ready at -1) go out with the first segment that ends. */
        if (next > bucket && ready[next - 1] == i) {
            TRY_OUT(add_segment(plan, (struct segment){.first_step = first,
                                                       .step_count = i + 1 - first,
                                                       .end = SEGMENT_BUCKETS,
                                                       .first_bucket = bucket,
                                                       .bucket_count = next - bucket}));
            first = i + 1;
            bucket = next;
        }
    }
    if (bucket < bucket_count) {
        TRY_OUT(add_segment(plan, (struct segment){.first_step = first,
                                                   .step_count = tape->step_count - first,
                                                   .end = SEGMENT_BUCKETS,
                                                   .first_bucket = bucket,
                                                   .bucket_count = bucket_count - bucket}));
        first = tape->step_count;
    }
    status = add_segment(
        plan, (struct segment){.first_step = first, .step_count = tape->step_count - first, .end = SEGMENT_DONE});
out:
    free(ready);
    return status;
}

static enum status make_plan(const struct tape *tape, const struct bucket_range *buckets, int bucket_count,
                             struct plan *plan)
{
    TRY(memory_allocate((size_t)tape->tensor_count, sizeof *plan->offsets, &plan->offsets));
    TRY(memory_allocate((size_t)tape->step_count, sizeof *plan->barriers, &plan->barriers));
    TRY(place_tensors(tape, plan));
    TRY(place_barriers(tape, plan));
    return cut_segments(tape, buckets, bucket_count, plan);
}

enum status plan_create(const struct tape *tape, const struct bucket_range *buckets, int bucket_count,
                        struct plan *plan)
{
    *plan = (struct plan){0};
    enum status status = make_plan(tape, buckets, bucket_count, plan);
    if (status != STATUS_OK) {
        plan_release(plan);
    }
    return status;
}

void plan_release(struct plan *plan)
{
    free(plan->offsets);
    free(plan->barriers);
    free(plan->segments);
    *plan = (struct plan){0};
}
