/*
 * Everything that a command needs to run a model: options, data, network, program, engine, and the phases over one
 * parameter set. Made once, before the first step; nothing is allocated afterwards.
 */
#ifndef TRAIN_SESSION_H
#define TRAIN_SESSION_H

#include "checkpoints/checkpoint.h"
#include "cluster/comm.h"
#include "compute/engine.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "models/model.h"
#include "shaders/step.h"
#include "train/options.h"
#include "train/rounds.h"

struct session_params {
    struct comm *comm;
    struct config *config;          /* the caller's; its problems are checked here */
    const struct checkpoint *saved; /* NULL, or the checkpoint whose data state is to be used */
    bool train;                     /* training phases, gradients and optimiser too */
    bool plan_only;                 /* the null engine, whatever the config says, and no sums over ranks */
    bool timestamps;
};

/* Hyperparameters that a group of parameters shares; see optimizer.h. */
struct parameter_group {
    double learning_rate_scale, weight_decay;
    float momentum; /* of running averages */
    bool is_buffer;
};

/* Sums over one shard. */
struct metric_row {
    double loss, weight, correct;
};

struct session {
    struct comm *comm;
    struct options options;
    struct dataset *dataset;
    struct model model;
    struct program program;
    struct engine *engine;
    struct tuning tuning;  /* that its phases are lowered with */
    struct reduce *reduce; /* NULL without training */
    struct rounds rounds;

    int shards;
    int first_shard, shard_count;    /* this rank's */
    int64_t shard_samples;           /* batch / shards */
    int train_phases[ROUNDS_MAX];    /* by round */
    int evaluate_phases[ROUNDS_MAX]; /* by round */
    int update_phase;

    struct parameter_group groups[STEP_MAX_GROUPS];
    int group_count;
    uint64_t group_table; /* bytes into REGION_CONSTANTS: the group of every block of parameters */
    uint8_t *frozen;      /* a block of parameters: 1 where nothing learns, so that its gradients are not clipped for */

    float *exchange_rows;               /* all shards' rows of a host step */
    const float **exchange_row;         /* by shard: where its row lies */
    struct piece *leaves;               /* by shard: itself */
    struct metric_row *metric_rows;     /* of the local shards */
    struct metric_row *all_metric_rows; /* of all shards */
    double *column;                     /* one number a shard */
    int64_t *rank_sizes;                /* one a rank: for gathers */
};

/*
 * Builds everything and checks that all ranks agree on configuration, data, program and version. STATUS_BAD_INPUT tells
 * all problems of the configuration at once.
 */
enum status session_create(const struct session_params *params, struct session **session) MUST_CHECK;
void session_destroy(struct session *session);

/* Fills the parameters with their initial values. */
enum status session_initialise(struct session *session) MUST_CHECK;

/* This rank's part of the training batches, from batch `start` on. The session must outlive it. */
enum status session_create_loader(const struct session *session, int64_t start, struct loader **loader) MUST_CHECK;

/*
 * rank_sizes[r] = `size` bytes times the shards of rank r: for comm_gather_all() of rows a shard. Returns rank_sizes.
 */
const int64_t *session_shard_sizes(struct session *session, int64_t size);

/* Copies samples first .. first + count - 1 of a batch, and their weights, to the inputs of a phase. */
void session_write_batch(struct session *session, int phase, const struct batch *batch, int64_t first, int64_t count);

/* Called when gradients of a bucket are complete in the copies that the phase writes. */
typedef enum status bucket_handler(struct session *session, int bucket, void *context);

/* Runs one phase to its end and serves its events, moving the sums over the ranks along. `handler` may be NULL. */
enum status session_run(struct session *session, int phase, bucket_handler *handler, void *context) MUST_CHECK;

/* A tensor of a phase in host memory (input, output or exchange regions). */
void *session_tensor(struct session *session, int phase, int tensor);

#endif
