#include "train/evaluation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cluster/stop.h"
#include "compute/graph/lower.h"
#include "train/metric_rows.h"
#include "train/optimizer.h"

/* Sums over one shard of a batch, for regressions. */
struct error_row {
    double absolute, squared, actual, actual_squared, count;
};
enum { ERROR_COLUMNS = sizeof(struct error_row) / sizeof(double) };

struct evaluation {
    struct session *session;
    struct loader *loader;
    bool classifies, regresses;
    int64_t first, end;     /* samples that are asked for */
    int64_t elements;       /* floats of one prediction in memory */
    size_t target_size;     /* bytes of one target */
    struct error_row *rows; /* of all shards; this rank's from own_first on */
    float *predictions;     /* of a whole batch, for a visitor */
    unsigned char *targets;
    int64_t *indices;
};

static enum status reserve(struct evaluation *evaluation)
{
    struct session *session = evaluation->session;
    size_t samples = (size_t)(session->shard_samples * session->shards);
    const struct value *prediction = &session->model.graph.values[session->model.prediction];
    const struct field *target = &session->dataset->fields[1];
    evaluation->elements = shape_elements(prediction->shape, DTYPE_FLOAT32);
    evaluation->target_size = (size_t)shape_elements(target->shape, target->dtype) * sizeof(float);
    TRY(memory_allocate((size_t)session->shards, sizeof *evaluation->rows, &evaluation->rows));
    TRY(memory_allocate_touched(samples * (size_t)evaluation->elements, sizeof(float), &evaluation->predictions));
    TRY(memory_allocate_touched(samples, evaluation->target_size, &evaluation->targets));
    return memory_allocate_touched(samples, sizeof(int64_t), &evaluation->indices);
}

enum status evaluation_create(struct session *session, enum split split, struct evaluation **created)
{
    struct evaluation *evaluation;
    TRY(memory_allocate(1, sizeof *evaluation, &evaluation));
    /* A loss may judge against something else, as an autoencoder's does: then it alone says how good the model is. */
    const struct layer *loss = session->model.graph.layers[session->model.losses[0]];
    bool judges_target = loss->input_count > 1 && loss->inputs[1] == session->model.inputs[1];
    bool numbers = session->dataset->fields[1].dtype == DTYPE_FLOAT32;
    *evaluation = (struct evaluation){.session = session,
                                      .classifies = judges_target && loss->type->classifies,
                                      .regresses = judges_target && !loss->type->classifies && numbers,
                                      .end = INT64_MAX};
    struct loader_params params = {
        .dataset = session->dataset,
        .split = split,
        .train = false,
        .seed = (uint64_t)session->options.run.seed,
        .batch = session->shard_samples * session->shards,
        .first = session->shard_samples * session->first_shard,
        .count = session->shard_samples * session->shard_count,
    };
    enum status status = loader_create(&params, &evaluation->loader);
    if (status == STATUS_OK) {
        status = reserve(evaluation);
    }
    if (status != STATUS_OK) {
        evaluation_destroy(evaluation);
        evaluation = NULL;
    }
    *created = evaluation;
    return status;
}

void evaluation_destroy(struct evaluation *evaluation)
{
    if (evaluation == NULL) {
        return;
    }
    loader_destroy(evaluation->loader);
    free(evaluation->rows);
    free(evaluation->predictions);
    free(evaluation->targets);
    free(evaluation->indices);
    free(evaluation);
}

/* A value of the target's channel `channel` in the user's units. */
static double in_units(const struct dataset *dataset, int64_t channel, double value)
{
    double scale = dataset->target_scale != NULL ? (double)dataset->target_scale[channel] : 1.0;
    double offset = dataset->target_offset != NULL ? (double)dataset->target_offset[channel] : 0.0;
    return value * scale + offset;
}

static void add_errors(const struct evaluation *evaluation, const float *predicted, const float *actual,
                       struct error_row *row)
{
    const struct dataset *dataset = evaluation->session->dataset;
    int64_t stride = shape_stride(dataset->fields[1].shape);
    int64_t channels = shape_channels(dataset->fields[1].shape);
    for (int64_t i = 0; i < evaluation->elements; i++) {
        int64_t channel = i % stride;
        if (channel >= channels) {
            continue;
        }
        double truth = in_units(dataset, channel, (double)actual[i]);
        double error = in_units(dataset, channel, (double)predicted[i]) - truth;
        row->absolute += fabs(error);
        row->squared += error * error;
        row->actual += truth;
        row->actual_squared += truth * truth;
        row->count += 1;
    }
}

/* Runs the rounds of a batch; metrics and predictions of the local shards end at their places among all. */
static enum status run_batch(struct evaluation *evaluation, const struct batch *batch)
{
    struct session *session = evaluation->session;
    optimizer_write_step(session, 0, 0, 1.0F);
    for (int i = 0; i < session->rounds.count; i++) {
        const struct round *round = &session->rounds.rounds[i];
        int phase = session->evaluate_phases[i];
        int local = round->first_shard - session->first_shard;
        session_write_batch(session, phase, batch, local * session->shard_samples,
                            round->shard_count * session->shard_samples);
        TRY(session_run(session, phase, NULL, NULL));
        metric_rows_take(session, phase, local, round->shard_count);
        const struct tape *tape = &session->program.phases[phase]->tape;
        int64_t first = round->first_shard * session->shard_samples;
        int64_t count = round->shard_count * session->shard_samples;
        memcpy(evaluation->predictions + first * evaluation->elements,
               session_tensor(session, phase, lower_value_tensor(tape, session->model.prediction)),
               (size_t)(count * evaluation->elements) * sizeof(float));
    }
    return STATUS_OK;
}

/* The errors of every local shard, then of all. */
static enum status sum_errors(struct evaluation *evaluation, const struct batch *batch)
{
    struct session *session = evaluation->session;
    int64_t samples = session->shard_samples;
    const float *predictions = evaluation->predictions + session->first_shard * samples * evaluation->elements;
    for (int shard = 0; shard < session->shard_count; shard++) {
        struct error_row *row = &evaluation->rows[session->first_shard + shard];
        *row = (struct error_row){0};
        for (int64_t i = shard * samples; i < (shard + 1) * samples; i++) {
            if (batch->weights[i] > 0) {
                const char *target = (const char *)batch->fields[1] + (size_t)i * evaluation->target_size;
                add_errors(evaluation, predictions + i * evaluation->elements, (const float *)(const void *)target,
                           row);
            }
        }
    }
    const int64_t *sizes = session_shard_sizes(session, sizeof(struct error_row));
    return comm_gather_all(session->comm, evaluation->rows + session->first_shard, sizes, evaluation->rows);
}

/* Every sample of the batch to all ranks, for a visitor. */
static enum status gather_samples(struct evaluation *evaluation, const struct batch *batch)
{
    struct session *session = evaluation->session;
    int64_t samples = session->shard_samples;
    const float *predictions = evaluation->predictions + session->first_shard * samples * evaluation->elements;
    int64_t size = samples * evaluation->elements * (int64_t)sizeof(float);
    TRY(comm_gather_all(session->comm, predictions, session_shard_sizes(session, size), evaluation->predictions));
    size = samples * (int64_t)evaluation->target_size;
    TRY(comm_gather_all(session->comm, batch->fields[1], session_shard_sizes(session, size), evaluation->targets));
    size = samples * (int64_t)sizeof(int64_t);
    return comm_gather_all(session->comm, batch->indices, session_shard_sizes(session, size), evaluation->indices);
}

static enum status visit_batch(struct evaluation *evaluation, sample_visitor *visitor, void *context)
{
    struct session *session = evaluation->session;
    if (comm_rank(session->comm) != 0) {
        return STATUS_OK;
    }
    for (int64_t i = 0; i < session->shard_samples * session->shards; i++) {
        if (evaluation->indices[i] >= 0) {
            TRY(visitor(evaluation->indices[i], evaluation->predictions + i * evaluation->elements,
                        evaluation->targets + (size_t)i * evaluation->target_size, context));
        }
    }
    return STATUS_OK;
}

/* Adds a batch's rows, in tree order, to the totals. */
static void add_rows(struct evaluation *evaluation, struct error_row *totals)
{
    struct session *session = evaluation->session;
    for (size_t column = 0; column < ERROR_COLUMNS; column++) {
        for (int i = 0; i < session->shards; i++) {
            session->column[i] = ((const double *)&evaluation->rows[i])[column];
        }
        ((double *)totals)[column] +=
            shards_sum_double(session->shards, session->leaves, session->column, session->shards);
    }
}

void evaluation_limit(struct evaluation *evaluation, int64_t first, int64_t count)
{
    evaluation->first = first;
    evaluation->end = first + count;
}

enum status evaluation_run(struct evaluation *evaluation, sample_visitor *visitor, void *context,
                           struct evaluation_result *result)
{
    struct session *session = evaluation->session;
    struct metric_totals sums = {0};
    struct error_row errors = {0};
    TRY(loader_restart(evaluation->loader, 0));
    for (;;) {
        const struct batch *batch;
        TRY(loader_next(evaluation->loader, &batch));
        int64_t samples = session->shard_samples * session->shards;
        if (batch == NULL || batch->step * samples >= evaluation->end) {
            break;
        }
        if ((batch->step + 1) * samples <= evaluation->first) {
            continue;
        }
        int64_t stop;
        TRY(comm_max(session->comm, stop_requested() ? 1 : 0, &stop));
        if (stop != 0) {
            return fail(STATUS_STOPPED, "stopped in an evaluation");
        }
        TRY(run_batch(evaluation, batch));
        struct metric_totals totals;
        TRY(metric_rows_sum(session, &totals));
        sums.loss += totals.loss;
        sums.weight += totals.weight;
        sums.correct += totals.correct;
        if (evaluation->regresses) {
            TRY(sum_errors(evaluation, batch));
            add_rows(evaluation, &errors);
        }
        if (visitor != NULL) {
            TRY(gather_samples(evaluation, batch));
            TRY(visit_batch(evaluation, visitor, context));
        }
    }
    *result = (struct evaluation_result){.loss = sums.loss / sums.weight,
                                         .samples = (int64_t)sums.weight,
                                         .classifies = evaluation->classifies,
                                         .regresses = evaluation->regresses};
    if (evaluation->classifies) {
        result->accuracy = sums.correct / sums.weight;
    }
    if (evaluation->regresses) {
        double variation = errors.actual_squared - errors.actual * errors.actual / errors.count;
        result->mae = errors.absolute / errors.count;
        result->rmse = sqrt(errors.squared / errors.count);
        /* What is left of equal targets is rounding, of either sign. */
        bool varies = result->samples > 1 && variation > 1e-12 * errors.actual_squared;
        result->r2 = varies ? 1.0 - errors.squared / variation : (double)NAN;
    }
    return STATUS_OK;
}

struct table {
    const struct evaluation *evaluation;
    int64_t limit, printed;
};

static enum status print_row(int64_t index, const float *predicted, const void *actual, void *context)
{
    struct table *table = context;
    const struct dataset *dataset = table->evaluation->session->dataset;
    int64_t channels = shape_channels(dataset->fields[1].shape);
    for (int64_t channel = 0; channel < channels && table->printed < table->limit; channel++) {
        double truth = in_units(dataset, channel, (double)((const float *)actual)[channel]);
        double value = in_units(dataset, channel, (double)predicted[channel]);
        printf("%8" PRId64 " %14.6g %14.6g %14.6g\n", index + 1, truth, value, value - truth);
        table->printed++;
    }
    return STATUS_OK;
}

enum status evaluation_print_table(struct evaluation *evaluation, int64_t limit, struct evaluation_result *result)
{
    if (!evaluation->regresses || limit == 0) {
        return evaluation_run(evaluation, NULL, NULL, result);
    }
    struct table table = {.evaluation = evaluation, .limit = limit};
    if (comm_rank(evaluation->session->comm) == 0) {
        printf("%8s %14s %14s %14s\n", "sample", "actual", "predicted", "error");
    }
    enum status status = evaluation_run(evaluation, print_row, &table, result);
    fflush(stdout);
    return status;
}

void evaluation_format_r2(const struct evaluation_result *result, int digits, char *buffer, size_t size)
{
    if (isnan(result->r2)) {
        snprintf(buffer, size, "undefined (%s)", result->samples == 1 ? "one sample" : "the targets do not vary");
    } else {
        snprintf(buffer, size, "%.*g", digits, result->r2);
    }
}

void evaluation_format(const struct evaluation_result *result, char *buffer, size_t size)
{
    if (result->classifies) {
        snprintf(buffer, size, "loss %.6f, accuracy %.2f%% of %" PRId64, result->loss, 100.0 * result->accuracy,
                 result->samples);
    } else if (!result->regresses) {
        snprintf(buffer, size, "loss %.6g over %" PRId64, result->loss, result->samples);
    } else {
        char r2[64];
        evaluation_format_r2(result, 6, r2, sizeof r2);
        snprintf(buffer, size, "loss %.6g, MAE %.6g, RMSE %.6g, R2 %s over %" PRId64, result->loss, result->mae,
                 result->rmse, r2, result->samples);
    }
}
