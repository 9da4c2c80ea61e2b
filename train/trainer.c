#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "checkpoints/store.h"
#include "cluster/cores.h"
#include "cluster/stop.h"
#include "train/agreement.h"
#include "train/evaluation.h"
#include "train/journal.h"
#include "train/progress_bar.h"
#include "train/run_folder.h"
#include "train/schedule.h"
#include "train/snapshot.h"
#include "train/step.h"

struct trainer {
    struct comm *comm;
    struct config *config;
    struct session *session;
    struct loader *loader;
    struct evaluation *evaluation;
    struct store *store;     /* rank 0 */
    struct journal *journal; /* rank 0 */
    struct snapshot *snapshot;
    double started; /* when the trainer was */
    bool resumed;
    struct progress_bar bar;
    struct progress progress;
    int64_t total, epoch_steps;           /* steps of the run, of an epoch */
    double first_loss, last_loss, growth; /* growth: the last loss over the one before */
    double logged_at;                     /* when the last line was logged, */
    int64_t logged_step;                  /* and at which step */
};

static bool is_root(const struct trainer *trainer)
{
    return comm_rank(trainer->comm) == 0;
}

/* --- setting up --------------------------------------------------------------------------------------------------- */

static enum status create_store(struct trainer *trainer)
{
    const struct options *options = &trainer->session->options;
    char *folder;
    TRY(run_folder_path(&options->run, "checkpoints", &folder));
    struct store_params params = {.folder = folder, .keep = (int)options->checkpoint.keep};
    enum status status = store_create(&params, &trainer->store);
    free(folder);
    return status;
}

static enum status create_journal(struct trainer *trainer, int64_t step)
{
    char *path;
    TRY(run_folder_path(&trainer->session->options.run, "metrics.jsonl", &path));
    enum status status = journal_create(path, step, &trainer->journal);
    free(path);
    return status;
}

/* What only rank 0 does on disk; a failure there must end the job on all ranks. */
static enum status prepare_folder(struct trainer *trainer, const struct trainer_params *params,
                                  const struct checkpoint *saved)
{
    const struct run_options *run = &trainer->session->options.run;
    if (!is_root(trainer)) {
        return STATUS_OK;
    }
    /* The lock of the store tells whether another job works in this folder: before anything there is touched. */
    TRY(create_store(trainer));
    if (!run_folder_holds(run, params->resume) && run_folder_is_used(run)) {
        store_destroy(trainer->store);
        trainer->store = NULL;
        TRY(run_folder_move_aside(run));
        TRY(create_store(trainer));
    }
    TRY(run_folder_write_config(run, trainer->config));
    if (saved != NULL) {
        TRY(tell_config_changes(trainer->config, saved));
        if (snapshot_counts_from_zero(saved)) {
            log_info("the lines of metrics.jsonl up to step %" PRId64
                     " count epochs from 0, as older versions of lemnos "
                     "did; those behind it count from 1",
                     saved->step);
        }
    }
    return create_journal(trainer, saved != NULL ? saved->step : -1);
}

static void count_steps(struct trainer *trainer)
{
    const struct run_options *run = &trainer->session->options.run;
    trainer->epoch_steps = trainer->session->dataset->count[SPLIT_TRAIN] / run->batch;
    trainer->total = run->steps > 0 ? run->steps : run->epochs * trainer->epoch_steps;
}

/* On a CPU device a rank is one core's work. Jobs of several hosts know what they do. */
static void tell_idle_cores(const struct trainer *trainer)
{
    const struct session *session = trainer->session;
    int ranks = comm_size(trainer->comm);
    int cores = cores_of_job();
    int useful = cores < session->shards ? cores : session->shards;
    if (engine_device(session->engine)->type == DEVICE_CPU && comm_local_size(trainer->comm) == ranks &&
        useful > ranks) {
        log_info("using %d of %d cores; mpirun -n %d lemnos train ... uses %s, with the same result", ranks, cores,
                 useful, useful == cores ? "all" : "more");
    }
}

static enum status set_up(struct trainer *trainer, const struct trainer_params *params, const struct checkpoint *saved)
{
    struct session_params session = {.comm = params->comm, .config = params->config, .saved = saved, .train = true};
    TRY(session_create(&session, &trainer->session));
    TRY(agree_on_checkpoint(params->comm, saved));
    TRY(saved != NULL ? snapshot_restore_arrays(trainer->session, saved) : session_initialise(trainer->session));
    count_steps(trainer);
    TRY(prepare_folder(trainer, params, saved));
    trainer->resumed = saved != NULL;
    int64_t records = snapshot_records(saved) + trainer->total / trainer->session->options.run.log_every + 2;
    struct snapshot_params snapshot = {
        .session = trainer->session, .config = params->config, .store = trainer->store, .max_records = records};
    TRY(snapshot_create(&snapshot, &trainer->snapshot));
    trainer->progress = (struct progress){.epoch = 1, .best = -INFINITY};
    if (saved != NULL) {
        snapshot_restore_progress(trainer->snapshot, saved, &trainer->progress);
    }
    TRY(session_create_loader(trainer->session, trainer->progress.step, &trainer->loader));
    progress_bar_init(&trainer->bar, trainer->total);
    if (trainer->session->dataset->count[SPLIT_TEST] == 0) {
        log_info("the data have no test part, so nothing is evaluated");
        return STATUS_OK;
    }
    return evaluation_create(trainer->session, SPLIT_TEST, &trainer->evaluation);
}

static void tear_down(struct trainer *trainer, enum status status)
{
    progress_bar_clear(&trainer->bar);
    bool failed = status != STATUS_OK && status != STATUS_STOPPED;
    if (failed && comm_size(trainer->comm) > 1) {
        /* Messages may be under way from and to this memory until the job is aborted, which comes next. */
        return;
    }
    evaluation_destroy(trainer->evaluation);
    loader_destroy(trainer->loader);
    snapshot_destroy(trainer->snapshot);
    journal_destroy(trainer->journal);
    store_destroy(trainer->store);
    session_destroy(trainer->session);
}

/* --- on the way --------------------------------------------------------------------------------------------------- */

/* Whether any rank was asked to stop: the same answer on all. */
static enum status agree_to_stop(struct trainer *trainer, bool *stop)
{
    int64_t any;
    TRY(comm_max(trainer->comm, stop_requested() ? 1 : 0, &any));
    *stop = any != 0;
    return STATUS_OK;
}

/* What could not be written is told; training is worth more than a line about it. */
static void tell_journal(enum status status)
{
    if (status != STATUS_OK) {
        log_warning("%s; training goes on", status_message());
        status_clear();
    }
}

static enum status evaluate(struct trainer *trainer, bool *best)
{
    struct evaluation_result result;
    if (trainer->evaluation == NULL) {
        return STATUS_OK;
    }
    int64_t table = trainer->session->options.evaluation.table;
    bool small = trainer->session->dataset->count[SPLIT_TEST] <= table;
    progress_bar_clear(&trainer->bar);
    trainer->progress.evaluation_pending = true; /* until it is done: a stop in the middle is made up for */
    TRY(evaluation_print_table(trainer->evaluation, small ? table : 0, &result));
    trainer->progress.evaluation_pending = false;
    double score = result.classifies ? result.accuracy : -result.loss;
    *best = score > trainer->progress.best;
    trainer->progress.best = *best ? score : trainer->progress.best;
    if (!is_root(trainer)) {
        return STATUS_OK;
    }
    char text[256];
    evaluation_format(&result, text, sizeof text);
    log_info("test after step %" PRId64 ": %s", trainer->progress.step, text);
    struct journal_evaluation entry = {.step = trainer->progress.step,
                                       .epoch = trainer->progress.epoch,
                                       .loss = result.loss,
                                       .classifies = result.classifies,
                                       .regresses = result.regresses,
                                       .accuracy = result.accuracy,
                                       .mae = result.mae,
                                       .rmse = result.rmse,
                                       .r2 = result.r2};
    tell_journal(journal_write_evaluation(trainer->journal, &entry));
    return STATUS_OK;
}

static enum status save(struct trainer *trainer, bool best, bool *saved)
{
    if (trainer->journal != NULL) {
        tell_journal(journal_sync(trainer->journal)); /* a checkpoint never knows more than the journal */
    }
    return snapshot_save(trainer->snapshot, &trainer->progress, best, saved);
}

static bool due(int64_t every, int64_t step, int64_t epoch_steps)
{
    return step % (every > 0 ? every : epoch_steps) == 0;
}

static enum status log_step(struct trainer *trainer, double rate, const struct step_result *result, bool last)
{
    const struct run_options *run = &trainer->session->options.run;
    double now = clock_now();
    double seconds = (now - trainer->logged_at) / (double)(trainer->progress.step - trainer->logged_step);
    struct progress_line line = {.step = trainer->progress.step,
                                 .epoch = trainer->progress.epoch,
                                 .loss = result->loss,
                                 .learning_rate = rate,
                                 .samples_per_second = (double)run->batch / seconds,
                                 .seconds_a_step = seconds};
    if (is_root(trainer)) {
        progress_bar_draw(&trainer->bar, &line);
    }
    if (trainer->progress.step % run->log_every != 0 && !last) {
        return STATUS_OK;
    }
    trainer->logged_at = now;
    trainer->logged_step = trainer->progress.step;
    struct metric_record record = {(double)line.step, (double)line.epoch, result->loss, rate};
    snapshot_record(trainer->snapshot, &record);
    if (!is_root(trainer)) {
        return STATUS_OK;
    }
    progress_bar_log(&trainer->bar, &line);
    struct journal_step entry = {.step = line.step,
                                 .epoch = line.epoch,
                                 .loss = result->loss,
                                 .learning_rate = rate,
                                 .gradient_norm = result->gradient_norm,
                                 .samples_per_second = line.samples_per_second};
    tell_journal(journal_write_step(trainer->journal, &entry));
    return STATUS_OK;
}

/* A diverged run: what the loss did, and what to change. */
static enum status explain_divergence(struct trainer *trainer, double rate)
{
    char growth[160] = "";
    if (trainer->growth > 1) {
        snprintf(growth, sizeof growth, "; it grew from %.6g at first to %.6g, lately by a factor of %.3g a step",
                 trainer->first_loss, trainer->last_loss, trainer->growth);
    }
    return fail(STATUS_NOT_FINITE,
                "%s%s. The weights are those of step %" PRId64 ", and nothing was saved since the last checkpoint. The "
                "learning rate was %.6g: a smaller optimizer.learning_rate (a tenth, say), schedule.warmup or "
                "optimizer.clip_norm keeps training stable",
                status_message(), growth, trainer->progress.step, rate);
}

static enum status take_step(struct trainer *trainer, bool last)
{
    const struct options *options = &trainer->session->options;
    const struct batch *batch;
    TRY(loader_next(trainer->loader, &batch));
    double rate =
        schedule_rate(&options->schedule, options->optimizer.learning_rate, trainer->progress.step, trainer->total);
    struct step_result result;
    enum status status = step_train(trainer->session, batch, trainer->progress.step, rate, &result);
    if (status == STATUS_NOT_FINITE) {
        return explain_divergence(trainer, rate);
    }
    TRY(status);
    trainer->growth = trainer->last_loss > 0 ? result.loss / trainer->last_loss : 0;
    trainer->last_loss = result.loss;
    trainer->first_loss = isnan(trainer->first_loss) ? result.loss : trainer->first_loss;
    trainer->progress.epoch = batch->epoch + 1;
    trainer->progress.step++;
    return log_step(trainer, rate, &result, last);
}

static enum status begin(struct trainer *trainer)
{
    const struct options *options = &trainer->session->options;
    bool best = false;
    bool saved;
    if (!trainer->resumed && options->evaluation.initial) {
        TRY(evaluate(trainer, &best));
    }
    if (!trainer->resumed && options->checkpoint.initial) {
        TRY(save(trainer, best, &saved));
    }
    if (trainer->progress.evaluation_pending) {
        TRY(evaluate(trainer, &best));
        TRY(save(trainer, best, &saved)); /* so that it is not pending at the next resume */
    }
    trainer->first_loss = NAN;
    trainer->logged_at = clock_now();
    trainer->logged_step = trainer->progress.step;
    return STATUS_OK;
}

static enum status stop_now(struct trainer *trainer, bool best)
{
    bool saved;
    TRY(save(trainer, best, &saved));
    if (!saved) {
        return fail(STATUS_FAILED,
                    "stopped after step %" PRId64
                    ", which could not be saved: --resume auto goes on from an older checkpoint",
                    trainer->progress.step);
    }
    return fail(
        STATUS_STOPPED, "stopped by %s after step %" PRId64 " of %" PRId64 ", which is saved; --resume auto goes on",
        stop_signal() != NULL ? stop_signal() : "a signal to another rank", trainer->progress.step, trainer->total);
}

static enum status train(struct trainer *trainer)
{
    const struct options *options = &trainer->session->options;
    TRY(begin(trainer));
    log_debug("the first step begins %.2f s after the start", clock_now() - trainer->started);
    while (trainer->progress.step < trainer->total) {
        bool last = trainer->progress.step + 1 == trainer->total;
        bool stop;
        bool best = false;
        TRY(take_step(trainer, last));
        int64_t step = trainer->progress.step;
        if (last || due(options->evaluation.every, step, trainer->epoch_steps)) {
            enum status status = evaluate(trainer, &best);
            if (status == STATUS_STOPPED) {
                return stop_now(trainer, false);
            }
            TRY(status);
            trainer->logged_at = clock_now(); /* rates tell of training alone */
            trainer->logged_step = step;
        }
        TRY(agree_to_stop(trainer, &stop));
        if (stop && !last) {
            return stop_now(trainer, best);
        }
        /* The best so far is saved whenever it is found. */
        if (last || best || due(options->checkpoint.every, step, trainer->epoch_steps)) {
            bool saved;
            TRY(save(trainer, best, &saved));
            if (last && !saved) {
                return fail(STATUS_FAILED, "the run is done, but its last step, %" PRId64 ", could not be saved", step);
            }
        }
    }
    return STATUS_OK;
}

/* --- where to begin ----------------------------------------------------------------------------------------------- */

static void tell_skipped(const char *path, const char *reason, void *context)
{
    (void)context;
    log_warning("%s does not verify (%s); stepping back to the one before", path, reason);
}

/* Every rank reads the file itself; what they read is compared before the first step (agree_on_checkpoint). */
static enum status load_newest(const struct trainer_params *params, struct checkpoint **saved)
{
    struct run_options run;
    char *folder = NULL;
    char *path = NULL;
    TRY(config_read(params->config, option_sections[0].name, option_sections[0].table, &run));
    enum status status = STATUS_OK;
    TRY_OUT(run_folder_path(&run, "checkpoints", &folder));
    bool root = comm_rank(params->comm) == 0;
    status = store_load_newest(folder, root ? tell_skipped : NULL, NULL, saved, &path);
    if (status == STATUS_NOT_FOUND) {
        status_clear();
        status = STATUS_OK;
        log_info("%s holds no checkpoint yet: training from the start", folder);
    } else if (status == STATUS_OK) {
        log_info("resuming from %s", path);
    }
out:
    option_release(option_sections[0].table, &run);
    free(folder);
    free(path);
    return status;
}

enum status trainer_run(const struct trainer_params *params)
{
    struct trainer trainer = {.comm = params->comm, .config = params->config, .started = clock_now()};
    struct checkpoint *saved = NULL;
    enum status status = STATUS_OK;
    if (params->resume != NULL && strcmp(params->resume, "auto") == 0) {
        TRY_OUT(load_newest(params, &saved));
    } else if (params->resume != NULL) {
        TRY_OUT(checkpoint_load(params->resume, &saved));
    }
    TRY_OUT(set_up(&trainer, params, saved));
    checkpoint_destroy(saved);
    saved = NULL;
    if (trainer.progress.step >= trainer.total) {
        log_info("the run is done: %" PRId64 " of %" PRId64 " steps", trainer.progress.step, trainer.total);
    } else {
        tell_idle_cores(&trainer);
    }
    status = train(&trainer);
out:
    checkpoint_destroy(saved);
    tear_down(&trainer, status);
    return status;
}
