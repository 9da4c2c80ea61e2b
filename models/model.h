/*
 * A network made from a config: the graph, and which of its values are the input, the target, the prediction, the loss.
 */
#ifndef MODELS_MODEL_H
#define MODELS_MODEL_H

#include "compute/graph/layer.h"
#include "configs/config.h"

enum { MODEL_MAX_INPUTS = 4, MODEL_MAX_LOSSES = 8 };

/* What the data offers: fields by name; the first is the default input, the second the target of losses. */
struct model_field {
    const char *name;
    struct shape shape;
    enum dtype dtype;
};

struct model_params {
    const struct model_field *fields;
    int field_count;
    int64_t outputs; /* what a head must give: the classes of a label, or the channels of a target */
    bool is_class;   /* the target is a label */
};

struct model {
    struct graph graph;
    int inputs[MODEL_MAX_INPUTS]; /* values, in the order of the fields */
    int input_count;
    int prediction;               /* the value that the first loss judges */
    int losses[MODEL_MAX_LOSSES]; /* layers */
    int loss_count;
};

/*
 * Builds the network of [model] and the [layer NAME] sections. Problems are collected in `config` (shapes that do not
 * fit, at the layer's line); the model must not be used where config_check() then fails.
 */
enum status model_create(struct config *config, const struct model_params *params, struct model *model) MUST_CHECK;
void model_release(struct model *model);
/* Warns of every layer that leads to no loss, with its place: it is computed, and changes nothing. */
enum status model_warn_unread(const struct config *config, const struct model *model) MUST_CHECK;

/*
 * Of a failure behind model_create(): where the recorded message begins with a layer's name, its place in the config
 * comes first, and what the command line sets of it comes last. Returns `status`.
 */
enum status model_locate_failure(const struct config *config, const struct model *model, enum status status);

/* The keys of [model] and those that every [layer NAME] has, for help. */
extern const struct option model_option_table[];
extern const struct option layer_common_table[];

#endif
