/* Running the phases of a session: what goes in, the events on the way, what comes out. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/lower.h"
#include "train/session.h"

/*
 * While messages are under way MPI must be called now and then; else a rank only waits: each time that it wakes up it
 * takes the core from the thread that runs the kernels, and a CPU's cache.
 */
enum { WAIT_WITH_MESSAGES_US = 1000, WAIT_ALONE_US = 100000 };

enum status session_initialise(struct session *session)
{
    const struct graph *graph = &session->model.graph;
    float *values = engine_host(session->engine, REGION_PARAMETERS);
    float *dense = NULL;
    enum status status = STATUS_OK;
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        TRY_OUT(memory_resize((size_t)parameter_count(parameter), sizeof(float), &dense));
        parameter_initial(parameter, (uint64_t)session->options.run.seed, dense);
        parameter_from_dense(parameter, dense, values + parameter->offset);
    }
    status = engine_push(session->engine, REGION_PARAMETERS, 0, (uint64_t)session->program.flat_count * sizeof(float));
out:
    free(dense);
    return status;
}

enum status session_create_loader(const struct session *session, int64_t start, struct loader **loader)
{
    const struct run_options *run = &session->options.run;
    struct loader_params params = {
        .dataset = session->dataset,
        .split = SPLIT_TRAIN,
        .train = true,
        .seed = (uint64_t)run->seed,
        .batch = run->batch,
        .first = session->shard_samples * session->first_shard,
        .count = session->shard_samples * session->shard_count,
        .start = start,
    };
    return loader_create(&params, loader);
}

const int64_t *session_shard_sizes(struct session *session, int64_t size)
{
    int ranks = comm_size(session->comm);
    for (int i = 0; i < ranks; i++) {
        int shards = shards_first(session->shards, i + 1, ranks) - shards_first(session->shards, i, ranks);
        session->rank_sizes[i] = size * shards;
    }
    return session->rank_sizes;
}

void *session_tensor(struct session *session, int phase, int tensor)
{
    const struct phase *of = session->program.phases[phase];
    char *region = engine_host(session->engine, of->tape.tensors[tensor].region);
    return region + of->plan.offsets[tensor];
}

void session_write_batch(struct session *session, int phase, const struct batch *batch, int64_t first, int64_t count)
{
    const struct tape *tape = &session->program.phases[phase]->tape;
    for (int i = 0; i < session->model.input_count; i++) {
        int value = session->model.inputs[i];
        const struct value *input = &session->model.graph.values[value];
        size_t size = (size_t)shape_elements(input->shape, input->dtype) * sizeof(float);
        memcpy(session_tensor(session, phase, lower_value_tensor(tape, value)),
               (const char *)batch->fields[i] + (size_t)first * size, (size_t)count * size);
    }
    memcpy(session_tensor(session, phase, tape->weights_tensor), batch->weights + first, (size_t)count * sizeof(float));
}

/* Rows of all shards to every rank, added there in tree order. */
static enum status sum_shards(struct session *session, const struct host_step *step)
{
    const int64_t *sizes = session_shard_sizes(session, step->count * (int64_t)sizeof(float));
    TRY(comm_gather_all(session->comm, engine_exchange(session->engine, &step->input), sizes, session->exchange_rows));
    for (int i = 0; i < session->shards; i++) {
        session->exchange_row[i] = session->exchange_rows + i * step->count;
    }
    shards_sum(session->shards, session->leaves, session->exchange_row, session->shards, step->count,
               engine_exchange(session->engine, &step->output));
    return STATUS_OK;
}

static enum status serve(struct session *session, const struct engine_event *event, bucket_handler *handler,
                         void *context)
{
    if (event->kind == EVENT_HOST) {
        TRY(sum_shards(session, event->host));
        return engine_continue(session->engine);
    }
    for (int i = 0; i < event->bucket_count; i++) {
        TRY(handler(session, event->first_bucket + i, context));
    }
    return STATUS_OK;
}

enum status session_run(struct session *session, int phase, bucket_handler *handler, void *context)
{
    TRY(engine_begin(session->engine, phase));
    for (;;) {
        struct engine_event event;
        bool messages = session->reduce != NULL && reduce_under_way(session->reduce);
        TRY(engine_poll(session->engine, messages ? WAIT_WITH_MESSAGES_US : WAIT_ALONE_US, &event));
        if (event.kind == EVENT_DONE) {
            return STATUS_OK;
        }
        if (event.kind != EVENT_NONE) {
            TRY(serve(session, &event, handler, context));
        }
        if (session->reduce != NULL) {
            TRY(reduce_progress(session->reduce));
        }
    }
}
