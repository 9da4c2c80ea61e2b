/*
 * The contract of a layer: one struct layer_type, one file in compute/layers/. A layer infers shapes and parameters
 * when it is added to a graph, and emits dispatches, as data, when the graph is lowered to a tape. It never sees a
 * device.
 *
 * Every output is written whole, the channel padding as zeros; every input gradient likewise. Gradients of parameters
 * are written once a piece (tape_parameter_gradient), each the sum over the piece's shards in tree order.
 */
#ifndef COMPUTE_GRAPH_LAYER_H
#define COMPUTE_GRAPH_LAYER_H

#include "base/option.h"
#include "compute/graph/graph.h"
#include "compute/graph/tape.h"

enum { LAYER_MAX_INPUTS = 8, LAYER_MAX_OUTPUTS = 2, LAYER_MAX_PARAMETERS = 8, LAYER_MAX_SAVED = 4 };

struct layer_type {
    const char *name; /* "conv2d": the INI value and the prefix of its shaders */
    const char *help; /* one line */
    const struct option *options;
    size_t options_size;
    int min_inputs, max_inputs;
    /* A loss: its inputs are (prediction, target); it writes metrics (tape_metrics) and begins the backward pass. */
    bool is_loss;
    bool classifies; /* a loss: its metrics count correct predictions, not errors */
    enum status (*infer)(struct layer *layer);
    enum status (*forward)(const struct layer *layer, struct tape *tape);
    enum status (*backward)(const struct layer *layer, struct tape *tape);
    /*
     * What follows is there for fuse.h. What forward() can do of tape_epilogue(), each with what stands before it in
     * this list; backward() then must not read the layer's own output, unless `map` is set.
     */
    enum { EPILOGUE_NONE, EPILOGUE_MAP, EPILOGUE_RESIDUAL, EPILOGUE_NORMALISE } epilogue;
    /* The layer is this function of each element, and its backward() works from its output: another may do it. */
    struct map (*map)(const struct layer *layer);
    /* backward() multiplies with the derivative of tape_epilogue()'s map itself, from its output. */
    bool derives;
    /* backward() adds tape_output_gradient_addend() itself. */
    bool adds_gradients;
    /* The layer is the sum of its inputs, and the output's gradient is theirs: whatever makes one of two may add it. */
    bool sums_inputs;
    /* In evaluation the layer is (x - mean) * scale + shift by channel: appends what makes epilogue.rows. */
    enum status (*fold)(const struct layer *layer, struct tape *tape, struct binding *rows);
};

struct layer {
    const struct layer_type *type;
    char *name;
    int index; /* in graph->layers; also its number for random streams */
    struct graph *graph;
    void *options;
    int inputs[LAYER_MAX_INPUTS];
    int input_count;
    int outputs[LAYER_MAX_OUTPUTS];
    int output_count;
    int parameters[LAYER_MAX_PARAMETERS];
    int parameter_count;
};

/* For infer(): what goes in, what comes out, what is trained. */
struct shape layer_input_shape(const struct layer *layer, int input);
struct shape layer_output_shape(const struct layer *layer, int output);
enum status layer_add_output(struct layer *layer, struct shape shape) MUST_CHECK;
/*
 * Adds a parameter; `suffix` ("weight") is put behind the layer's name. `parameter` describes kind, rank, dim,
 * elements, place, layout, initial and momentum; the rest is filled in here. Trainable parameters make the outputs need
 * gradients, so add parameters before outputs.
 */
enum status layer_add_parameter(struct layer *layer, const char *suffix, const struct parameter *parameter) MUST_CHECK;
/* Fails with "conv1 (conv2d): ...": what a user can act on. */
#define layer_fail(layer, format, ...)                                                                                 \
    fail(STATUS_BAD_INPUT, "layer %s (%s): " format, (layer)->name, (layer)->type->name __VA_OPT__(, ) __VA_ARGS__)

/* Fails where an input holds integers. */
enum status layer_require_numbers(const struct layer *layer) MUST_CHECK;
/* The same, and where the first input is no image. */
enum status layer_require_image(const struct layer *layer) MUST_CHECK;

/* All layer types, NULL-terminated; made by the build from compute/layers/meson.build. */
extern const struct layer_type *const layer_types[];
const struct layer_type *layer_type_find(const char *name);

/*
 * A type's options from text, "channels = 64, kernel = 3": entries separated by commas or ends of lines; keys that are
 * not there keep their defaults. For networks and checks that are written down in C.
 */
enum status layer_options_create(const struct layer_type *type, const char *text, void **options) MUST_CHECK;
void layer_options_destroy(const struct layer_type *type, void *options);

#endif
