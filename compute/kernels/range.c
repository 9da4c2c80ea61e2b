#include "compute/kernels/range.h"

#include <string.h>

#include "base/memory.h"

/* What struct divisor divides. */
static const uint64_t MAX_VECTORS = 1ULL << 31;

int64_t range_aligned(int64_t size)
{
    int64_t count = 1;
    while (count * size % TENSOR_ALIGNMENT != 0) {
        count *= 2;
    }
    return count;
}

enum status range_dispatch(struct tape *tape, const struct dispatch *dispatch, uint64_t count, uint32_t turns,
                           const uint32_t sizes[DISPATCH_MAX_BINDINGS])
{
    if (count >= MAX_VECTORS) {
        return fail(STATUS_BAD_INPUT, "kernel %s: more than 32 GiB at once; use a smaller batch or more ranks",
                    dispatch->kernel);
    }
    for (uint64_t first = 0; first < count; first += RANGE_MAX_VECTORS) {
        uint64_t left = count - first;
        struct range part = {.first = (uint)first,
                             .count = (uint)(left < RANGE_MAX_VECTORS ? left : RANGE_MAX_VECTORS)};
        struct dispatch one = *dispatch;
        for (int i = 0; i < one.binding_count; i++) {
            if (sizes[i] > 0) {
                one.bindings[i].offset += first * sizes[i];
                one.bindings[i].size = (uint64_t)part.count * sizes[i];
            }
        }
        memcpy(one.push, &part, sizeof part);
        one.flops = dispatch->flops * (double)part.count / (double)count;
        dispatch_groups(&one, divide_up(part.count, (uint64_t)RANGE_LOCAL_SIZE * turns));
        TRY(tape_dispatch(tape, &one));
    }
    return STATUS_OK;
}
