/*
 * One layer alone on an engine, for checks: the batch cut into shards and worked on in several parts, as several ranks
 * would, tensors given and taken dense in PyTorch's order. All parts share one engine and run one after another.
 */
#ifndef COMPUTE_SINGLE_H
#define COMPUTE_SINGLE_H

#include "compute/engine.h"
#include "compute/graph/layer.h"
#include "shaders/step.h"

/* The samples that one rank would hold: shards first_shard .. first_shard + shard_count - 1 of `shards`. */
struct single_part {
    int shards;
    int first_shard, shard_count;
};

enum { SINGLE_MAX_PARTS = 16 };

struct single_params {
    const struct engine_params *engine;
    const struct layer_type *type;
    const char *options; /* lines "key = value"; other keys keep their defaults */
    enum tape_mode mode;
    int64_t samples;            /* of the global batch: a multiple of every part's shards */
    const struct shape *inputs; /* of a sample */
    const enum dtype *dtypes;
    int input_count;
    const struct single_part *parts;
    int part_count;
};

struct single;

/* Every float input and every trained parameter gets a gradient in TAPE_TRAIN. */
enum status single_create(const struct single_params *params, struct single **single) MUST_CHECK;
void single_destroy(struct single *single);

const struct layer *single_layer(const struct single *single);
const struct parameter *single_parameter(const struct single *single, int parameter);
/* Shape of one sample of the output; a loss has none. */
struct shape single_output_shape(const struct single *single);
/* What runs it: part i is phase i. For those who run phases themselves. */
struct engine *single_engine(const struct single *single);
const struct program *single_program(const struct single *single);
/* The scalars of the next runs, to write. */
struct step_scalars *single_scalars(struct single *single);

/*
 * Arrays are those of the whole batch; a part takes from them, and fills in, what belongs to its samples. Parts share
 * the memory of inputs and outputs: write all of a part's before it runs, and read its outputs before another one is
 * written. Gradients of parameters stay.
 */
enum status single_write_parameter(struct single *single, int parameter, const float *dense) MUST_CHECK;
void single_write_input(struct single *single, int part, int input, const void *dense);
void single_write_output_gradient(struct single *single, int part, const float *dense);
void single_write_weights(struct single *single, int part, const float *weights);

/*
 * Serves a host step: `rows` holds the part's shards, step->count floats each; `total` gets the sum over all shards.
 * `number` counts the host steps of a run from 0.
 */
typedef enum status single_serve(void *context, int number, const struct host_step *step, const float *rows,
                                 float *total);
/* Runs a part. Without `serve`, a host step adds the rows of this part, which then must hold all shards. */
enum status single_run(struct single *single, int part, single_serve *serve, void *context) MUST_CHECK;
/* The sum of `shards` rows of `count` floats, in tree order. */
enum status single_sum_rows(int shards, const float *rows, int64_t count, float *total) MUST_CHECK;

/* STATUS_FAILED where something was not written, or where the channel padding is not zero. */
enum status single_read_output(struct single *single, int part, float *dense) MUST_CHECK;
enum status single_read_input_gradient(struct single *single, int part, int input, float *dense) MUST_CHECK;
/* The gradient from `part_count` parts that together hold all shards, added in tree order. */
enum status single_read_parameter_gradient(struct single *single, int first_part, int part_count, int parameter,
                                           float *dense) MUST_CHECK;
/* METRIC_COUNT floats a shard of the part. */
const float *single_metrics(const struct single *single, int part);

#endif
