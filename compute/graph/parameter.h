/*
 * Parameters: what is trained, and the buffers that training moves along (running statistics). Named and shaped as in
 * PyTorch's state_dict; in memory laid out as their layer's kernels want, in one flat buffer.
 */
#ifndef COMPUTE_GRAPH_PARAMETER_H
#define COMPUTE_GRAPH_PARAMETER_H

#include <stdint.h>

#include "base/status.h"

enum { PARAMETER_MAX_RANK = 4, PARAMETER_NAME_SIZE = 128 };

/* Floats between parameters' offsets in the flat buffer: 256 bytes, what every device accepts for a binding. */
enum { PARAMETER_ALIGNMENT = 64 };

enum parameter_kind {
    PARAMETER_WEIGHT, /* trained by the optimiser, subject to weight decay where it has two dimensions or more */
    PARAMETER_BUFFER, /* running average: value = (1 - momentum) * value + momentum * (its "gradient" / shards) */
};

enum initial_kind {
    INITIAL_CONSTANT, /* a */
    INITIAL_UNIFORM,  /* uniform in [-a, a) */
    INITIAL_NORMAL,   /* mean 0, standard deviation a */
};

struct initial {
    enum initial_kind kind;
    double a;
};

struct parameter {
    char name[PARAMETER_NAME_SIZE]; /* "conv1.weight" */
    int layer;                      /* index of the owning layer */
    enum parameter_kind kind;
    int rank;
    int64_t dim[PARAMETER_MAX_RANK]; /* PyTorch's shape: OIHW, (out, in), (C) */
    int64_t elements;                /* floats in memory, padding included; the padding is zero and stays zero */
    /*
     * Where element index[] (PyTorch's order) lies in memory, in floats from the parameter's start: in equal steps
     * along every axis but the first, which panels cut. `layout` is the owner's. NULL: dense in row-major order.
     */
    int64_t (*place)(const struct parameter *parameter, const int64_t *index);
    int64_t layout[4];
    struct initial initial;
    float momentum; /* of a buffer */

    int64_t offset; /* floats from the start of the flat buffer; set by program_init() */
};

/* Elements as a user counts them: the product of dim. */
int64_t parameter_count(const struct parameter *parameter);
/* From memory layout to a dense array in PyTorch's order, and back. `memory` is the parameter's own start. */
void parameter_to_dense(const struct parameter *parameter, const float *memory, float *dense);
void parameter_from_dense(const struct parameter *parameter, const float *dense, float *memory);
/* Fills dense memory with the initial values: a pure function of (seed, name, element). */
void parameter_initial(const struct parameter *parameter, uint64_t seed, float *dense);

/*
 * Initial values by name: "default" (PyTorch's for linear and convolution: uniform within 1/sqrt(fan_in)),
 * "kaiming_normal" (He et al. 2015, standard deviation sqrt(2/fan_in)), "xavier_uniform" (Glorot and Bengio 2010, bound
 * sqrt(6/(fan_in+fan_out))), "normal" (standard deviation 0.02), "zeros", "kaiming_normal_fan_out" (standard deviation
 * sqrt(2/fan_out), torchvision's choice for the convolutions of residual networks). fan_in is what an output is the sum
 * of; fan_out, as PyTorch counts it, output channels times kernel positions.
 */
enum initial_name {
    INITIAL_DEFAULT,
    INITIAL_KAIMING_NORMAL,
    INITIAL_XAVIER_UNIFORM,
    INITIAL_NAMED_NORMAL,
    INITIAL_ZEROS,
    INITIAL_KAIMING_NORMAL_FAN_OUT
};
extern const char *const initial_names[]; /* NULL-terminated, for option tables */
struct initial initial_by_name(enum initial_name name, int64_t fan_in, int64_t fan_out);

#endif
