#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "models/model.h"
#include "models/review.h"
#include "models/zoo.h"

struct model_options {
    char *input;
    int architecture; /* 0: none, else 1 + the index in architectures[] */
};

const struct option model_option_table[] = {
    {.name = "input",
     .type = OPTION_STRING,
     .offset = offsetof(struct model_options, input),
     .fallback = "",
     .help = "the field of the data that the first layer reads; empty: the first field"},
    {.name = "architecture",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct model_options, architecture),
     .fallback = "none",
     .choices = architecture_choices,
     .help = "a network of the zoo, before the [layer NAME] sections; each has keys of its own here"},
    OPTIONS_END,
};

struct layer_common {
    char *type, *input;
};

const struct option layer_common_table[] = {
    {.name = "type",
     .type = OPTION_STRING,
     .offset = offsetof(struct layer_common, type),
     .fallback = NULL,
     .help = "the layer's type: lemnos help config layer lists them"},
    {.name = "input",
     .type = OPTION_STRING,
     .offset = offsetof(struct layer_common, input),
     .fallback = "",
     .help = "names of layers or data fields, separated by commas; empty: the layer above"},
    OPTIONS_END,
};

struct builder {
    struct config *config;
    const struct model_params *params;
    struct model *model;
    int above;       /* the value that the next layer reads by default; -1: it failed, and that is told */
    size_t position; /* of the section that is read, among those of layers */
    bool broken;     /* some layer failed */
};

/* What stands below a layer that failed fails too, and is not to blame. */
static void give_up(struct builder *builder)
{
    builder->above = -1;
    builder->broken = true;
}

static void unknown_type(struct builder *builder, const char *section, const char *type)
{
    const char *names[256];
    size_t count = 0;
    while (layer_types[count] != NULL && count < COUNT_OF(names)) {
        names[count] = layer_types[count]->name;
        count++;
    }
    const char *near = nearest_name(names, count, type);
    config_problem(builder->config, section, "type", "there is no layer type \"%s\"; %s%s%s", type,
                   near != NULL ? "did you mean \"" : "lemnos help config lists them", near != NULL ? near : "",
                   near != NULL ? "\"?" : "");
    config_skip(builder->config, section);
}

static void unknown_name(struct builder *builder, const char *section, const char *name)
{
    const struct graph *graph = &builder->model->graph;
    const char *near = NULL;
    const char **names = NULL;
    if (memory_allocate((size_t)graph->value_count + 1, sizeof *names, &names) == STATUS_OK) {
        for (int i = 0; i < graph->value_count; i++) {
            names[i] = graph->values[i].name;
        }
        near = nearest_name(names, (size_t)graph->value_count, name);
    }
    config_problem(builder->config, section, "input", "there is no layer or data field \"%s\" above this one%s%s%s",
                   name, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
    free(names);
}

/*
 * Why there is no value of that name: a layer above failed, which is told already; it stands below; or nothing has it.
 */
static void unknown_input(struct builder *builder, const char *section, const char *name)
{
    const char *other;
    for (size_t i = 0; (other = config_section_name(builder->config, layer_prefix, i)) != NULL; i++) {
        if (strcmp(other + strlen(layer_prefix), name) != 0) {
            continue;
        }
        if (i >= builder->position) {
            config_problem(builder->config, section, "input",
                           "[%s] does not stand above this layer, and layers run in the order in which they stand",
                           other);
        }
        return;
    }
    unknown_name(builder, section, name);
}

/* The value indices that `input = a, b` names; -1: a problem was reported. */
static int find_inputs(struct builder *builder, const char *section, const struct layer_type *type, char *list,
                       int inputs[LAYER_MAX_INPUTS])
{
    int count = 0;
    char *rest = NULL;
    for (char *name = strtok_r(list, ", \t", &rest); name != NULL; name = strtok_r(NULL, ", \t", &rest)) {
        int value = graph_find_value(&builder->model->graph, name);
        if (value < 0) {
            unknown_input(builder, section, name);
            return -1;
        }
        if (count == LAYER_MAX_INPUTS) {
            config_problem(builder->config, section, "input", "a layer takes at most %d inputs", LAYER_MAX_INPUTS);
            return -1;
        }
        inputs[count++] = value;
    }
    if (count == 0) {
        inputs[count++] = builder->above;
    }
    if (type->is_loss && count == 1 && builder->params->field_count > 1) {
        inputs[count++] = builder->model->inputs[1];
    }
    return count;
}

/* A head's size follows from the data: `features = 0` stands for it. */
static void derive_features(const struct builder *builder, const struct layer_type *type, void *options)
{
    const struct option *option = type->options != NULL ? option_find(type->options, "features") : NULL;
    if (option != NULL && option->type == OPTION_INT) {
        int64_t *features = (int64_t *)(void *)((char *)options + option->offset);
        if (*features == 0) {
            *features = builder->params->outputs;
        }
    }
}

/* A layer that does not fit; `section` is NULL for the loss that stands in no config. */
static void report(struct builder *builder, const char *section, const struct layer_params *layer, const char *message)
{
    struct text overrides = {0};
    char *reader = NULL;
    const struct graph *graph = &builder->model->graph;
    enum status status = blame_overrides(builder->config, graph, section, layer, &overrides);
    int producer = graph->values[layer->inputs[0]].producer;
    if (status == STATUS_OK && section == NULL && producer >= 0) {
        status = memory_format(&reader, "%s%s", layer_prefix, graph->layers[producer]->name);
    }
    bool named = reader != NULL && config_has_section(builder->config, reader);
    if (status == STATUS_OK) {
        config_problem(builder->config, named ? reader : section, NULL, "%s%s: %s%s",
                       section == NULL ? "the default loss, " : "", layer->type->name, message, text_get(&overrides));
    } else {
        config_problem(builder->config, section, NULL, "%s", message);
    }
    text_release(&overrides);
    free(reader);
    give_up(builder);
}

/* The message of a failed layer without its "layer NAME (TYPE): ", which the place says already. */
static const char *bare_message(const struct layer_params *layer)
{
    char prefix[256];
    int length = snprintf(prefix, sizeof prefix, "layer %s (%s): ", layer->name, layer->type->name);
    bool starts = length < (int)sizeof prefix && strncmp(status_message(), prefix, (size_t)length) == 0;
    return status_message() + (starts ? length : 0);
}

static void note_loss(struct builder *builder, const struct layer *layer, const char *section,
                      const struct layer_params *params)
{
    struct model *model = builder->model;
    if (model->loss_count == MODEL_MAX_LOSSES) {
        config_problem(builder->config, section, NULL, "a model has at most %d losses", MODEL_MAX_LOSSES);
        return;
    }
    if (model->loss_count == 0) {
        model->prediction = layer->inputs[0];
    }
    int64_t outputs = shape_channels(layer_input_shape(layer, 0));
    bool judges_labels = builder->params->is_class && layer->input_count > 1 && layer->inputs[1] == model->inputs[1];
    if (layer->type->classifies && judges_labels && outputs != builder->params->outputs) {
        char message[PARAMETER_NAME_SIZE + 256];
        snprintf(message, sizeof message,
                 "its input %s has %lld outputs, but the data have %lld classes; a linear layer has as "
                 "many as the data ask for where features is left out",
                 model->graph.values[layer->inputs[0]].name, (long long)outputs, (long long)builder->params->outputs);
        report(builder, section, params, message);
    }
    model->losses[model->loss_count++] = layer->index;
}

static enum status add_layer(struct builder *builder, const char *section, const struct layer_type *type,
                             const char *name, void *options, const int *inputs, int input_count)
{
    derive_features(builder, type, options);
    struct layer_params params = {
        .type = type, .name = name, .options = options, .inputs = inputs, .input_count = input_count};
    struct layer *layer;
    enum status status = graph_add(&builder->model->graph, &params, &layer);
    if (status == STATUS_BAD_INPUT) {
        report(builder, section, &params, bare_message(&params));
        return STATUS_OK;
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (layer->type->is_loss) {
        note_loss(builder, layer, section, &params);
    } else if (layer->output_count > 0) {
        builder->above = layer->outputs[0];
    }
    return STATUS_OK;
}

/* Reads the section's common and own keys and adds the layer, or reports what is wrong. */
static enum status read_layer(struct builder *builder, const char *section, const struct layer_common *common)
{
    const char *name = section + strlen(layer_prefix);
    const struct layer_type *type = layer_type_find(common->type);
    if (type == NULL) {
        if (common->type != NULL && common->type[0] != '\0') {
            unknown_type(builder, section, common->type);
        }
        give_up(builder);
        return STATUS_OK;
    }
    if (graph_find_value(&builder->model->graph, name) >= 0) {
        config_problem(builder->config, section, NULL,
                       "the name \"%s\" stands for a field of the data, or a layer of the architecture, "
                       "already",
                       name);
    }
    void *options = NULL;
    enum status status = STATUS_OK;
    size_t problems = config_problem_count(builder->config);
    TRY_OUT(memory_allocate(1, type->options_size + 1, &options));
    if (type->options != NULL) {
        TRY_OUT(config_read(builder->config, section, type->options, options));
    }
    int inputs[LAYER_MAX_INPUTS];
    int count = find_inputs(builder, section, type, common->input, inputs);
    bool known = count > 0 && config_problem_count(builder->config) == problems;
    for (int i = 0; i < count; i++) {
        known = known && inputs[i] >= 0; /* what stands above failed already; one report is enough */
    }
    if (known) {
        status = add_layer(builder, section, type, name, options, inputs, count);
    } else {
        give_up(builder);
    }
out:
    if (options != NULL && type->options != NULL) {
        option_release(type->options, options);
    }
    free(options);
    return status;
}

static enum status add_inputs(struct builder *builder)
{
    const struct model_params *params = builder->params;
    for (int i = 0; i < params->field_count; i++) {
        int value;
        TRY(graph_add_input(&builder->model->graph, params->fields[i].name, params->fields[i].shape,
                            params->fields[i].dtype, &value));
        builder->model->inputs[builder->model->input_count++] = value;
    }
    return STATUS_OK;
}

/* Reads the architecture's own keys and adds its layers. */
static enum status add_architecture(struct builder *builder, const struct architecture *architecture)
{
    struct network network = {.graph = &builder->model->graph, .outputs = builder->params->outputs};
    size_t problems = config_problem_count(builder->config);
    void *options = NULL;
    TRY(memory_allocate(1, architecture->options_size, &options));
    enum status status = config_read(builder->config, "model", architecture->options, options);
    if (status != STATUS_OK) {
        free(options);
        return status;
    }
    status = architecture->build(architecture, options, &network, &builder->above);
    if (status == STATUS_BAD_INPUT) {
        config_problem(builder->config, "model", "architecture", "%s", status_message());
        status = STATUS_OK;
    }
    if (config_problem_count(builder->config) > problems) {
        give_up(builder);
    }
    option_release(architecture->options, options);
    free(options);
    return status;
}

static enum status read_model(struct builder *builder, bool *is_zoo)
{
    struct model_options options;
    size_t problems = config_problem_count(builder->config);
    TRY(config_read(builder->config, "model", model_option_table, &options));
    *is_zoo = options.architecture > 0;
    builder->above = builder->model->inputs[0];
    if (options.input[0] != '\0') {
        builder->above = graph_find_value(&builder->model->graph, options.input);
        if (builder->above < 0) {
            unknown_name(builder, "model", options.input);
        }
    }
    enum status status = STATUS_OK;
    if (config_problem_count(builder->config) > problems) {
        config_skip(builder->config, "model");
        give_up(builder);
    } else if (*is_zoo) {
        status = add_architecture(builder, architectures[options.architecture - 1]);
    }
    option_release(model_option_table, &options);
    return status;
}

/* A config without a loss gets the one that its target asks for. */
static enum status add_default_loss(struct builder *builder)
{
    const char *name = builder->params->is_class ? "softmax_cross_entropy" : "mse";
    const struct layer_type *type = layer_type_find(name);
    if (type == NULL || builder->params->field_count < 2) {
        return STATUS_OK;
    }
    void *options;
    TRY(layer_options_create(type, "", &options));
    int inputs[2] = {builder->above, builder->model->inputs[1]};
    enum status status = add_layer(builder, NULL, type, "loss", options, inputs, 2);
    layer_options_destroy(type, options);
    return status;
}

enum status model_create(struct config *config, const struct model_params *params, struct model *model)
{
    *model = (struct model){.prediction = -1};
    graph_init(&model->graph);
    struct builder builder = {.config = config, .params = params, .model = model};
    bool is_zoo;
    TRY(add_inputs(&builder));
    TRY(read_model(&builder, &is_zoo));
    const char *section;
    size_t count = 0;
    for (; (section = config_section_name(config, layer_prefix, count)) != NULL; count++) {
        struct layer_common common;
        builder.position = count;
        TRY(config_read(config, section, layer_common_table, &common));
        enum status status = read_layer(&builder, section, &common);
        option_release(layer_common_table, &common);
        TRY(status);
    }
    if (count == 0 && !is_zoo) {
        if (builder.above >= 0) {
            config_problem(config, "model", NULL,
                           "there are no layers: set architecture, or add sections [layer NAME] with type = ...");
        }
        return STATUS_OK;
    }
    if (model->loss_count == 0 && !builder.broken) {
        TRY(add_default_loss(&builder));
    }
    if (!builder.broken) {
        TRY(check_heads(config, model));
    }
    return STATUS_OK;
}

void model_release(struct model *model)
{
    graph_release(&model->graph);
}
