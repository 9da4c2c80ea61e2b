/* What the device can do at best. */
#include <string.h>

#include "base/memory.h"
#include "bench/alone.h"
#include "bench/kernels.h"
#include "shaders/bench.h"

enum {
    LOCAL_SIZE = RANGE_LOCAL_SIZE,
    VECTOR_SIZE = 16,             /* bytes */
    FLOPS_A_TURN = 8 * 4 * 4 * 2, /* eight times four vectors, a multiply-add each */
};

struct work {
    uint32_t groups, turns;
    double amount; /* flops or bytes */
};

static enum status emit_arithmetic(struct alone *alone, struct tape *tape, void *context)
{
    (void)alone;
    struct work *work = context;
    int output;
    TRY(tape_scratch(tape, "output", (uint64_t)work->groups * LOCAL_SIZE * VECTOR_SIZE, &output));
    work->amount = (double)work->groups * LOCAL_SIZE * work->turns * FLOPS_A_TURN;
    struct dispatch dispatch = {.kernel = "bench_multiply_add",
                                .bindings = {tape_bind(tape, output, ACCESS_WRITE)},
                                .binding_count = 1,
                                .constants = {work->turns},
                                .constant_count = 1,
                                .groups = {work->groups, 1, 1},
                                .flops = work->amount};
    struct bench_multiply_add_push push = {.scale = 0.999F, .offset = 0.001F};
    dispatch_push(&dispatch, push);
    return tape_dispatch(tape, &dispatch);
}

/* There and back, so that the plan keeps both. */
static enum status emit_copy(struct alone *alone, struct tape *tape, void *context)
{
    (void)alone;
    struct work *work = context;
    struct bench_copy_push push = {.count = work->groups * LOCAL_SIZE * BENCH_COPY_VECTORS};
    uint64_t size = (uint64_t)push.count * VECTOR_SIZE;
    work->amount = 4.0 * (double)size;
    int tensors[2];
    TRY(tape_scratch(tape, "there", size, &tensors[0]));
    TRY(tape_scratch(tape, "back", size, &tensors[1]));
    for (int i = 0; i < 2; i++) {
        struct dispatch dispatch = {
            .kernel = "bench_copy",
            .bindings = {tape_bind(tape, tensors[i], ACCESS_READ), tape_bind(tape, tensors[1 - i], ACCESS_WRITE)},
            .binding_count = 2,
            .groups = {work->groups, 1, 1}};
        dispatch_push(&dispatch, push);
        TRY(tape_dispatch(tape, &dispatch));
    }
    return STATUS_OK;
}

static enum status measure(const struct engine_params *engine, alone_emit *emit, struct work work, int rounds,
                           double *rate)
{
    static const int parts[2] = {0, 0};
    struct alone alone;
    struct alone_params params = {.engine = engine, .emit = emit, .context = &work};
    TRY(alone_init(&alone, &params));
    struct measured measured;
    enum status status = measure_phase(alone.engine, &alone.program, 0, rounds, parts, 1, &measured);
    *rate = status == STATUS_OK ? work.amount / measured.best : 0;
    alone_release(&alone);
    return status;
}

enum status bench_measure_peaks(const struct engine_params *engine, int rounds, bool tiny, struct bench_peaks *peaks)
{
    /* Enough for a large GPU, and some tens of milliseconds on a CPU. */
    struct work arithmetic = {.groups = tiny ? 1 : 4096, .turns = tiny ? 1 : 32};
    struct work copy = {.groups = tiny ? 1 : (1 << 22) / (LOCAL_SIZE * BENCH_COPY_VECTORS)};
    TRY(measure(engine, emit_arithmetic, arithmetic, rounds, &peaks->flops));
    return measure(engine, emit_copy, copy, rounds, &peaks->bytes);
}
