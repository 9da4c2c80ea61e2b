/* What the device can do at best. */
#include "base/memory.h"
#include "bench/alone.h"
#include "bench/kernels.h"

enum {
    LOCAL_SIZE = 64,
    VECTOR_SIZE = 16,             /* bytes */
    FLOPS_A_TURN = 8 * 4 * 4 * 2, /* eight times four vectors, a multiply-add each */
    COPY_VECTORS = 4,             /* an invocation */
};

/* How far apart an invocation's vectors lie: CPUs like neighbours; GPUs read whole cache lines side by side. */
static const uint32_t spacing[CLASS_COUNT] = {
    [CLASS_CPU] = 1, [CLASS_GPU] = LOCAL_SIZE, [CLASS_GPU_MATRIX] = LOCAL_SIZE};

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
    return tape_dispatch(tape, &dispatch);
}

/* There and back, so that the plan keeps both. */
static enum status emit_copy(struct alone *alone, struct tape *tape, void *context)
{
    (void)alone;
    struct work *work = context;
    uint64_t size = (uint64_t)work->groups * LOCAL_SIZE * COPY_VECTORS * VECTOR_SIZE;
    work->amount = 4.0 * (double)size;
    int tensors[2];
    TRY(tape_scratch(tape, "there", size, &tensors[0]));
    TRY(tape_scratch(tape, "back", size, &tensors[1]));
    for (int i = 0; i < 2; i++) {
        struct dispatch dispatch = {
            .kernel = "bench_copy",
            .bindings = {tape_bind(tape, tensors[i], ACCESS_READ), tape_bind(tape, tensors[1 - i], ACCESS_WRITE)},
            .binding_count = 2,
            .constants = {spacing[tape->device_class]},
            .constant_count = 1,
            .groups = {work->groups, 1, 1}};
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
    struct work copy = {.groups = tiny ? 1 : 16384};
    TRY(measure(engine, emit_arithmetic, arithmetic, rounds, &peaks->flops));
    return measure(engine, emit_copy, copy, rounds, &peaks->bytes);
}
