#include "train/step.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "train/metric_rows.h"
#include "train/optimizer.h"

struct round_context {
    const struct round *round;
};

/* The last round's gradients go out bucket by bucket, added to those of earlier rounds. */
static enum status on_bucket(struct session *session, int bucket, void *data)
{
    const struct round_context *context = data;
    const struct bucket_range *range = &session->program.buckets[bucket];
    float *copies = engine_host(session->engine, REGION_GRADIENTS);
    rounds_merge(context->round, copies, session->program.flat_count, range->offset, range->count);
    return reduce_begin(session->reduce, bucket);
}

static enum status run_round(struct session *session, const struct batch *batch, int index)
{
    const struct round *round = &session->rounds.rounds[index];
    struct round_context context = {.round = round};
    bool last = index == session->rounds.count - 1;
    int phase = session->train_phases[index];
    int64_t first = (round->first_shard - session->first_shard) * session->shard_samples;
    session_write_batch(session, phase, batch, first, round->shard_count * session->shard_samples);
    TRY(session_run(session, phase, last ? on_bucket : NULL, &context));
    if (!last) {
        uint64_t flat = (uint64_t)session->program.flat_count * sizeof(float);
        TRY(engine_pull(session->engine, REGION_GRADIENTS, (uint64_t)round->first_copy * flat, flat));
        rounds_merge(round, engine_host(session->engine, REGION_GRADIENTS), session->program.flat_count, 0,
                     session->program.flat_count);
    }
    metric_rows_take(session, phase, round->first_shard - session->first_shard, round->shard_count);
    return STATUS_OK;
}

/* The sums that this rank owns, from the host to the device. */
static enum status push_sums(struct session *session)
{
    for (int i = 0; i < session->program.bucket_count; i++) {
        struct range owned = reduce_owned(session->reduce, i);
        if (owned.count > 0) {
            TRY(engine_push(session->engine, REGION_GRADIENTS, (uint64_t)owned.offset * sizeof(float),
                            (uint64_t)owned.count * sizeof(float)));
        }
    }
    return STATUS_OK;
}

static enum status pull_parameters(struct session *session)
{
    for (int i = 0; i < session->program.bucket_count; i++) {
        struct range owned = reduce_owned(session->reduce, i);
        if (owned.count > 0) {
            TRY(engine_pull(session->engine, REGION_PARAMETERS, (uint64_t)owned.offset * sizeof(float),
                            (uint64_t)owned.count * sizeof(float)));
        }
    }
    return STATUS_OK;
}

enum status step_push_parameters(struct session *session)
{
    return engine_push(session->engine, REGION_PARAMETERS, 0, session->program.region_sizes[REGION_PARAMETERS]);
}

static enum status update(struct session *session, double squared_norm, struct step_times *times)
{
    double started = clock_now();
    optimizer_clip(session, squared_norm);
    TRY(push_sums(session));
    TRY(session_run(session, session->update_phase, NULL, NULL));
    TRY(pull_parameters(session));
    double updated = clock_now();
    TRY(reduce_gather(session->reduce));
    TRY(step_push_parameters(session));
    times->update = updated - started;
    times->parameters = clock_now() - updated;
    return STATUS_OK;
}

/* The parameter that element `element` of the flat buffer belongs to, NULL for padding. */
static const struct parameter *parameter_at(const struct session *session, int64_t element)
{
    const struct graph *graph = &session->model.graph;
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        if (element >= parameter->offset && element < parameter->offset + parameter->elements) {
            return parameter;
        }
    }
    return NULL;
}

static enum status report(struct session *session, int64_t step, const struct step_result *result)
{
    const struct graph *graph = &session->model.graph;
    if (!isfinite(result->loss)) {
        const char *loss = session->model.loss_count > 0 ? graph->layers[session->model.losses[0]]->name : "loss";
        return fail(STATUS_NOT_FINITE, "step %" PRId64 ": the loss of layer %s is %g", step + 1, loss, result->loss);
    }
    const struct parameter *parameter = parameter_at(session, result->not_finite);
    return fail(STATUS_NOT_FINITE,
                "step %" PRId64 ": the loss is %.9g, but the gradient of %s (layer %s) is not finite", step + 1,
                result->loss, parameter != NULL ? parameter->name : "a parameter",
                parameter != NULL ? graph->layers[parameter->layer]->name : "?");
}

enum status step_train(struct session *session, const struct batch *batch, int64_t step, double learning_rate,
                       struct step_result *result)
{
    double started = clock_now();
    optimizer_write_step(session, step, learning_rate, (float)(1.0 / (double)batch->valid));
    for (int i = 0; i < session->rounds.count; i++) {
        TRY(run_round(session, batch, i));
    }
    double computed = clock_now();
    struct reduce_result reduced;
    struct metric_totals totals;
    TRY(reduce_finish(session->reduce, &reduced));
    TRY(metric_rows_sum(session, &totals));
    *result = (struct step_result){.loss = totals.loss / totals.weight,
                                   .gradient_norm = sqrt(reduced.squared_norm),
                                   .times = {.gradients = computed - started, .sums = clock_now() - computed},
                                   .not_finite = reduced.first_not_finite};
    if (!isfinite(result->loss) || result->not_finite >= 0) {
        return report(session, step, result);
    }
    return update(session, reduced.squared_norm, &result->times);
}
