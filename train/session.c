#include "train/session.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "compute/graph/lower.h"
#include "compute/matrix_probe.h"
#include "train/agreement.h"
#include "train/footprint.h"
#include "train/optimizer.h"

/* --- what a batch looks like --------------------------------------------------------------------------------- */

static enum status divide_shards(struct session *session)
{
    const struct run_options *run = &session->options.run;
    int rank = comm_rank(session->comm);
    int ranks = comm_size(session->comm);
    session->shards = (int)run->shards;
    if (ranks > session->shards) {
        return fail(STATUS_BAD_INPUT,
                    "%d ranks share %d shards of the batch, so some would have nothing to do: use at most %d ranks, or "
                    "set run.shards to a divisor of run.batch = %" PRId64 " that is at least %d",
                    ranks, session->shards, session->shards, run->batch, ranks);
    }
    session->first_shard = shards_first(session->shards, rank, ranks);
    session->shard_count = shards_first(session->shards, rank + 1, ranks) - session->first_shard;
    session->shard_samples = run->batch / run->shards;
    return rounds_plan(session->shards, session->first_shard, session->shard_count, (int)run->accumulate,
                       &session->rounds);
}

/* --- the network -------------------------------------------------------------------------------------------------- */

static enum status create_model(struct session *session, struct config *config)
{
    const struct dataset *dataset = session->dataset;
    struct model_field fields[DATASET_MAX_FIELDS];
    for (int i = 0; i < dataset->field_count; i++) {
        fields[i] = (struct model_field){
            .name = dataset->fields[i].name, .shape = dataset->fields[i].shape, .dtype = dataset->fields[i].dtype};
    }
    struct model_params params = {
        .fields = fields,
        .field_count = dataset->field_count,
        .is_class = dataset->classes > 0,
        .outputs = dataset->classes > 0 ? dataset->classes : shape_channels(dataset->fields[1].shape),
    };
    return model_create(config, &params, &session->model);
}

/* Where [run] is wrong already, its batch may be a default that nobody asked for. */
static void check_batch(const struct session *session, struct config *config)
{
    const struct run_options *run = &session->options.run;
    int64_t samples = session->dataset->count[SPLIT_TRAIN];
    if (samples == 0) {
        config_problem(config, "data", "path", "there is no training part, and without it nothing is trained");
    } else if (run->batch > samples) {
        config_problem(config, "run", "batch",
                       "%" PRId64 " samples are more than the training part has; at most %" PRId64, run->batch,
                       samples);
    }
}

static enum status read_config(struct session *session, const struct session_params *params)
{
    TRY(options_read(params->config, &session->options));
    TRY(dataset_open(params->config, (uint64_t)session->options.run.seed, params->saved, &session->dataset));
    if (session->dataset != NULL) {
        if (params->train && config_problem_count(params->config) == 0) {
            check_batch(session, params->config);
        }
        TRY(create_model(session, params->config));
    } else {
        config_skip(params->config, "data");
        config_skip(params->config, "model");
        config_skip(params->config, "layer ");
    }
    if (session->dataset != NULL && session->model.prediction >= 0) {
        int64_t bucket = (int64_t)(session->options.cluster.bucket_megabytes * 1048576.0 / sizeof(float));
        TRY(program_init(&session->program, &session->model.graph, bucket));
        if (session->program.bucket_count > REDUCE_MAX_BUCKETS) {
            config_problem(params->config, "cluster", "bucket_megabytes",
                           "so small that the gradients need %d buckets; at most %d are possible",
                           session->program.bucket_count, REDUCE_MAX_BUCKETS);
        }
        TRY(optimizer_prepare(session, params->config));
    } else {
        config_skip(params->config, "group ");
    }
    TRY(config_check(params->config));
    /* Rank 0 speaks for all: the config is the same everywhere. */
    return comm_rank(session->comm) == 0 ? model_warn_unread(params->config, &session->model) : STATUS_OK;
}

/* --- the program -------------------------------------------------------------------------------------------------- */

static bool has_host_steps(const struct tape *tape)
{
    for (int i = 0; i < tape->step_count; i++) {
        if (tape->steps[i].kind == STEP_HOST) {
            return true;
        }
    }
    return false;
}

/* The phase of one round, for training or for evaluation. */
static enum status add_phase(struct session *session, enum tape_mode mode, int index, int *phase)
{
    const struct round *round = &session->rounds.rounds[index];
    bool train = mode == TAPE_TRAIN;
    struct lower_params lower = {
        .graph = &session->model.graph,
        .mode = mode,
        .device_class = engine_class(session->engine),
        .tuning = &session->tuning,
        .lanes = engine_lanes(session->engine),
        .flat_count = session->program.flat_count,
        .geometry = {.shards = session->shards,
                     .first_shard = round->first_shard,
                     .shard_count = round->shard_count,
                     .shard_samples = session->shard_samples,
                     .piece_count = round->piece_count,
                     .first_copy = round->first_copy},
        .observed = train ? NULL : &session->model.prediction,
        .observed_count = train ? 0 : 1,
    };
    memcpy(lower.geometry.pieces, round->pieces, sizeof round->pieces);
    char name[32];
    snprintf(name, sizeof name, "%s round %d", train ? "train" : "evaluate", index + 1);
    bool last = index == session->rounds.count - 1;
    return program_add_phase(&session->program, name, &lower, train && last, phase);
}

static enum status add_train_phases(struct session *session)
{
    const struct rounds *rounds = &session->rounds;
    for (int i = 0; i < rounds->count; i++) {
        TRY(add_phase(session, TAPE_TRAIN, i, &session->train_phases[i]));
        if (rounds->count > 1 && has_host_steps(&session->program.phases[session->train_phases[i]]->tape)) {
            return fail(STATUS_BAD_INPUT, "a layer needs sums over the whole batch in the middle of a step (batch_norm "
                                          "with statistics = global), which run.accumulate > 1 cannot give: use "
                                          "statistics = shard, or run.accumulate = 1");
        }
    }
    program_reserve(&session->program, rounds->copies, update_slot_count(optimizer_rule(&session->options.optimizer)));
    return STATUS_OK;
}

static enum status add_evaluate_phases(struct session *session)
{
    for (int i = 0; i < session->rounds.count; i++) {
        TRY(add_phase(session, TAPE_EVALUATE, i, &session->evaluate_phases[i]));
    }
    return STATUS_OK;
}

/* The optimiser works on what reduce says this rank owns, so the sums are planned before the update. */
static enum status plan_sums(struct session *session)
{
    _Static_assert((int)REDUCE_UNIT == (int)PARAMETER_ALIGNMENT, "a unit of sums is a block of parameters");
    struct range *buckets = NULL;
    TRY(memory_allocate((size_t)session->program.bucket_count, sizeof *buckets, &buckets));
    for (int i = 0; i < session->program.bucket_count; i++) {
        buckets[i] = (struct range){session->program.buckets[i].offset, session->program.buckets[i].count};
    }
    struct reduce_params params = {
        .comm = session->comm,
        .mode = (enum reduce_mode)session->options.cluster.reduce,
        .shards = session->shards,
        .piece_limit = session->rounds.piece_limit,
        .flat_count = session->program.flat_count,
        .norm_count = session->program.norm_count,
        .frozen = session->frozen,
        .buckets = buckets,
        .bucket_count = session->program.bucket_count,
        .gradients = engine_host(session->engine, REGION_GRADIENTS),
        .values = engine_host(session->engine, REGION_PARAMETERS),
    };
    enum status status = reduce_create(&params, &session->reduce);
    free(buckets);
    return status;
}

static enum status open_engine(struct session *session, const struct session_params *params)
{
    const struct device_options *device = &session->options.device;
    struct engine_params engine = {
        .kind = params->plan_only ? ENGINE_NULL : (enum engine_kind)device->engine,
        .device = (int)device->index,
        .local_rank = comm_local_rank(session->comm),
        .local_size = comm_local_size(session->comm),
        .share_device = device->share,
        .device_class = device->device_class - 1,
        .tuned = true,
        .validation = device->validation,
        .timestamps = params->timestamps,
    };
    return matrix_probe_create(&engine, &session->engine);
}

/* Room for the largest host step of all phases. */
static enum status reserve_exchange(struct session *session)
{
    int64_t largest = 0;
    for (int i = 0; i < session->program.phase_count; i++) {
        const struct tape *tape = &session->program.phases[i]->tape;
        for (int j = 0; j < tape->step_count; j++) {
            if (tape->steps[j].kind == STEP_HOST && tape->steps[j].host.count > largest) {
                largest = tape->steps[j].host.count;
            }
        }
    }
    TRY(memory_allocate((size_t)comm_size(session->comm), sizeof(int64_t), &session->rank_sizes));
    size_t shards = (size_t)session->shards;
    TRY(memory_allocate(shards, sizeof *session->leaves, &session->leaves));
    TRY(memory_allocate(shards, sizeof *session->exchange_row, &session->exchange_row));
    TRY(memory_allocate(shards, sizeof *session->metric_rows, &session->metric_rows));
    TRY(memory_allocate(shards, sizeof *session->all_metric_rows, &session->all_metric_rows));
    TRY(memory_allocate(shards, sizeof *session->column, &session->column));
    for (int i = 0; i < session->shards; i++) {
        session->leaves[i] = (struct piece){.first = i, .count = 1};
    }
    return memory_allocate_touched((size_t)largest * shards, sizeof(float), &session->exchange_rows);
}

static enum status build(struct session *session, const struct session_params *params)
{
    double began = clock_now();
    TRY(read_config(session, params));
    log_debug("data and network: %.2f s", clock_now() - began);
    TRY(divide_shards(session));
    TRY(open_engine(session, params));
    TRY(agree_on_session(session, params->config));
    session->tuning = *engine_tuning(session->engine);
    TRY(agree_on_tuning(session));
    if (params->train) {
        TRY(add_train_phases(session));
        TRY(optimizer_add_phase(session));
    }
    TRY(add_evaluate_phases(session));
    TRY(engine_load(session->engine, &session->program));
    TRY(reserve_exchange(session));
    if (params->train && !params->plan_only) {
        TRY(plan_sums(session));
    }
    return STATUS_OK;
}

enum status session_create(const struct session_params *params, struct session **created)
{
    struct session *session;
    TRY(memory_allocate(1, sizeof *session, &session));
    session->comm = params->comm;
    session->model.prediction = -1;
    enum status status = build(session, params);
    if (status == STATUS_BAD_INPUT) {
        status = model_locate_failure(params->config, &session->model, status);
    } else if (status == STATUS_NO_MEMORY && session->program.phase_count > 0) {
        status = footprint_explain(session, params->config, status);
    }
    if (status != STATUS_OK) {
        session_destroy(session);
        session = NULL;
    }
    *created = session;
    return status;
}

void session_destroy(struct session *session)
{
    if (session == NULL) {
        return;
    }
    reduce_destroy(session->reduce);
    engine_destroy(session->engine);
    program_release(&session->program);
    model_release(&session->model);
    dataset_close(session->dataset);
    options_release(&session->options);
    free(session->frozen);
    free(session->exchange_rows);
    free(session->exchange_row);
    free(session->leaves);
    free(session->metric_rows);
    free(session->all_metric_rows);
    free(session->column);
    free(session->rank_sizes);
    free(session);
}
