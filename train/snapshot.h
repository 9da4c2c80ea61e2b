/*
 * Between a session and a checkpoint: what is saved, in PyTorch's names and layouts, and how it comes back. All memory
 * is taken at creation.
 */
#ifndef TRAIN_SNAPSHOT_H
#define TRAIN_SNAPSHOT_H

#include "checkpoints/store.h"
#include "train/session.h"

struct snapshot;

/* Where a run stands beside its parameters. */
struct progress {
    int64_t step, epoch;     /* steps done; the epoch of the last one, from 1 */
    double best;             /* accuracy, or minus the loss; -infinity before the first evaluation */
    bool evaluation_pending; /* stopped in the evaluation that belongs to `step` */
};

/* One logged step, for the checkpoint's own table. */
struct metric_record {
    double step, epoch, loss, learning_rate;
};

struct snapshot_params {
    struct session *session;
    struct config *config;
    struct store *store; /* on rank 0; NULL elsewhere */
    int64_t max_records; /* logged steps of the whole run */
};

enum status snapshot_create(const struct snapshot_params *params, struct snapshot **snapshot) MUST_CHECK;
void snapshot_destroy(struct snapshot *snapshot);

void snapshot_record(struct snapshot *snapshot, const struct metric_record *record);
/*
 * Saves, collectively. A failure to write only warns, and `saved` tells all ranks of it, because training must go on;
 * what comes back as an error is a failure of the job (ranks whose parameters differ, lost messages).
 */
enum status snapshot_save(struct snapshot *snapshot, const struct progress *progress, bool best,
                          bool *saved) MUST_CHECK;
/* Logged steps that a checkpoint holds; 0 for NULL. */
int64_t snapshot_records(const struct checkpoint *checkpoint);
/*
 * Whether the checkpoint counts epochs from 0, as the first versions of lemnos did; snapshot_restore_progress() then
 * counts its records anew.
 */
bool snapshot_counts_from_zero(const struct checkpoint *checkpoint);
/* The epoch of the checkpoint's last step, from 1. */
int64_t snapshot_epoch(const struct checkpoint *checkpoint);

/* Puts a checkpoint's parameters into the session. STATUS_BAD_INPUT where it is of another model. */
enum status snapshot_restore_model(struct session *session, const struct checkpoint *checkpoint) MUST_CHECK;
/* And the optimiser's. Before anything on disk is touched for a run that goes on from it. */
enum status snapshot_restore_arrays(struct session *session, const struct checkpoint *checkpoint) MUST_CHECK;
/* And the rest: records, and where the run stands. */
void snapshot_restore_progress(struct snapshot *snapshot, const struct checkpoint *checkpoint,
                               struct progress *progress);

#endif
