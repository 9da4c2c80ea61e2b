/*
 * A program: one parameter set, and several phases over it (training rounds, update, evaluation), each a tape with its
 * plan, sharing one arena. Everything is made before the first step.
 */
#ifndef COMPUTE_GRAPH_PROGRAM_H
#define COMPUTE_GRAPH_PROGRAM_H

#include "compute/graph/plan.h"

enum { PROGRAM_MAX_PHASES = 64, PROGRAM_BLOCK = 1024 };

struct phase {
    char name[32];
    struct tape tape;
    struct plan plan;
};

struct program {
    struct graph *graph; /* the caller's */
    int64_t flat_count;  /* floats of the flat buffer, a multiple of PROGRAM_BLOCK */
    int64_t norm_count;  /* trainable parameters lie before it, buffers from it on; a multiple of PROGRAM_BLOCK */
    struct bucket_range *buckets;
    int bucket_count;
    struct phase *phases[PROGRAM_MAX_PHASES];
    int phase_count;
    uint64_t region_sizes[REGION_COUNT]; /* bytes; 0 where a region is not used */
    unsigned char *constants;            /* content of REGION_CONSTANTS */
};

/*
 * Lays the parameters out in the order in which their gradients become ready (reverse forward order), buffers behind
 * them, and cuts the flat buffer into buckets of about `bucket_floats`. Sets parameter.offset.
 */
enum status program_init(struct program *program, struct graph *graph, int64_t bucket_floats) MUST_CHECK;
void program_release(struct program *program);

/* Makes room for `copies` of the gradients and `slots` of the optimiser; call before engine_load(). */
void program_reserve(struct program *program, int copies, int slots);
/* Adds a table that shaders read; *offset gets its bytes in REGION_CONSTANTS. */
enum status program_add_constants(struct program *program, const void *data, size_t size, uint64_t *offset) MUST_CHECK;

struct lower_params;
/* Lowers and plans a phase; `with_buckets`: its gradients are handed out bucket by bucket. *phase gets its number. */
enum status program_add_phase(struct program *program, const char *name, const struct lower_params *params,
                              bool with_buckets, int *phase) MUST_CHECK;
/* Plans a tape made by hand (an update); takes it over. */
enum status program_add_tape(struct program *program, const char *name, struct tape *tape, int *phase) MUST_CHECK;

/*
 * SHA-256 over all that must be equal on every rank: layers, parameters, layout, buckets (not the ranks' own shards).
 */
enum status program_digest(const struct program *program, uint8_t result[32]) MUST_CHECK;

/* Bytes a rank needs on the device, all regions together. */
uint64_t program_size(const struct program *program);

#endif
