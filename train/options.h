/* What a config says about a run besides its data and its model: one struct a section, filled from its option table. */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "base/option.h"
#include "cluster/reduce.h"
#include "compute/engine.h"
#include "configs/config.h"

struct run_options {
    char *name, *folder;
    int64_t seed, epochs, steps, batch, shards, accumulate, log_every;
};

enum optimizer_type { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW };

struct optimizer_options {
    int type; /* enum optimizer_type */
    double learning_rate, momentum, beta1, beta2, epsilon, weight_decay, weight_decay_vectors, clip_norm;
    bool nesterov;
};

/* [group NAME]: parameters whose name matches get their own learning rate and decay. */
struct group_options {
    char *parameters; /* a shell pattern: "conv*.weight" */
    double learning_rate_scale, weight_decay;
};

enum schedule_type { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_COSINE };

struct schedule_options {
    int type; /* enum schedule_type */
    int64_t warmup, every;
    double gamma, minimum;
};

struct evaluation_options {
    int64_t every, table;
    bool initial;
};

struct checkpoint_options {
    int64_t every, keep;
    bool initial;
};

struct cluster_options {
    int reduce; /* enum reduce_mode */
    double bucket_megabytes;
};

struct device_options {
    int device_class; /* 0: best, else enum device_class + 1 */
    int64_t index;
    bool share, validation;
    int engine; /* enum engine_kind */
};

struct options {
    struct run_options run;
    struct optimizer_options optimizer;
    struct schedule_options schedule;
    struct evaluation_options evaluation;
    struct checkpoint_options checkpoint;
    struct cluster_options cluster;
    struct device_options device;
};

/* A section of the config and its table, for help. */
struct option_section {
    const char *name;
    const char *help;
    const struct option *table;
    size_t offset; /* in struct options */
};
extern const struct option_section option_sections[]; /* ends with a NULL name */
extern const struct option group_option_table[];      /* [group NAME] */

/* Reads all sections; problems are collected in `config`. */
enum status options_read(struct config *config, struct options *options) MUST_CHECK;
void options_release(struct options *options);

#endif
