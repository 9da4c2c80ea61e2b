/*
 * The network as plain data: values (the tensors between layers), layers in the order in which they run, and
 * parameters. Shapes are those of one sample; how many samples a rank holds enters when the graph is lowered to a tape.
 */
#ifndef COMPUTE_GRAPH_GRAPH_H
#define COMPUTE_GRAPH_GRAPH_H

#include "base/shape.h"
#include "base/status.h"
#include "compute/graph/parameter.h"

struct layer;
struct layer_type;

/* A tensor between layers: an input of the graph, or the output of a layer. */
struct value {
    char *name; /* of the input, or of the layer that makes it */
    struct shape shape;
    enum dtype dtype;
    int producer;        /* index of the layer, -1 for an input */
    bool needs_gradient; /* some trainable parameter lies above it */
};

struct graph {
    struct value *values;
    int value_count;
    struct layer **layers;
    int layer_count;
    struct parameter *parameters;
    int parameter_count;
};

void graph_init(struct graph *graph);
void graph_release(struct graph *graph);

/* Adds an input that the host writes before each run. *value gets its index. */
enum status graph_add_input(struct graph *graph, const char *name, struct shape shape, enum dtype dtype,
                            int *value) MUST_CHECK;

struct layer_params {
    const struct layer_type *type;
    const char *name;    /* unique; the prefix of its parameters' names */
    const void *options; /* of the type's options_size; copied, the strings in it too */
    const int *inputs;   /* value indices */
    int input_count;
};

/*
 * Adds a layer behind all others: checks the number of inputs, infers output shapes and parameters. STATUS_BAD_INPUT
 * with the shapes that met where they do not fit; the graph is then unchanged but for a layer that must not be used.
 */
enum status graph_add(struct graph *graph, const struct layer_params *params, struct layer **layer) MUST_CHECK;

/* The index of a value by name, -1 where there is none. */
int graph_find_value(const struct graph *graph, const char *name);
/* The index of a parameter by name, -1 where there is none. */
int graph_find_parameter(const struct graph *graph, const char *name);
/* Elements of all trainable parameters, as a user counts them (without padding). */
int64_t graph_parameter_total(const struct graph *graph);

#endif
