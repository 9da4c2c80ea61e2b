#include "compute/graph/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/layer.h"

void graph_init(struct graph *graph)
{
    *graph = (struct graph){0};
}

static void layer_destroy(struct layer *layer)
{
    if (layer == NULL) {
        return;
    }
    if (layer->options != NULL) {
        option_release(layer->type->options, layer->options);
    }
    free(layer->options);
    free(layer->name);
    free(layer);
}

void graph_release(struct graph *graph)
{
    for (int i = 0; i < graph->value_count; i++) {
        free(graph->values[i].name);
    }
    for (int i = 0; i < graph->layer_count; i++) {
        layer_destroy(graph->layers[i]);
    }
    free(graph->values);
    free(graph->layers);
    free(graph->parameters);
    *graph = (struct graph){0};
}

static enum status add_value(struct graph *graph, const char *name, struct shape shape, enum dtype dtype, int producer,
                             int *index)
{
    TRY(memory_resize((size_t)graph->value_count + 1, sizeof *graph->values, &graph->values));
    struct value *value = &graph->values[graph->value_count];
    *value = (struct value){.shape = shape, .dtype = dtype, .producer = producer};
    TRY(memory_copy_string(name, &value->name));
    *index = graph->value_count++;
    return STATUS_OK;
}

enum status graph_add_input(struct graph *graph, const char *name, struct shape shape, enum dtype dtype, int *value)
{
    return add_value(graph, name, shape, dtype, -1, value);
}

/* A copy of an options struct that owns its strings. */
static enum status copy_options(const struct layer_type *type, const void *options, void **copy)
{
    TRY(memory_allocate(1, type->options_size > 0 ? type->options_size : 1, copy));
    memcpy(*copy, options, type->options_size);
    enum status status = STATUS_OK;
    for (const struct option *option = type->options; option != NULL && option->name != NULL; option++) {
        if (option->type != OPTION_STRING) {
            continue;
        }
        char **string = (char **)((char *)*copy + option->offset);
        char *original = *string;
        *string = NULL; /* on failure only what is ours is freed */
        if (original != NULL && status == STATUS_OK) {
            status = memory_copy_string(original, string);
        }
    }
    return status;
}

enum status graph_add(struct graph *graph, const struct layer_params *params, struct layer **added)
{
    const struct layer_type *type = params->type;
    TRY(memory_resize((size_t)graph->layer_count + 1, sizeof(struct layer *), &graph->layers));
    struct layer *layer;
    TRY(memory_allocate(1, sizeof *layer, &layer));
    *layer = (struct layer){.type = type, .index = graph->layer_count, .graph = graph};
    graph->layers[graph->layer_count++] = layer;

    TRY(memory_copy_string(params->name, &layer->name));
    if (type->options_size > 0) {
        TRY(copy_options(type, params->options, &layer->options));
    }
    if (params->input_count < type->min_inputs || params->input_count > type->max_inputs) {
        return layer_fail(layer, "takes %d to %d inputs, but has %d", type->min_inputs, type->max_inputs,
                          params->input_count);
    }
    for (int i = 0; i < params->input_count; i++) {
        layer->inputs[layer->input_count++] = params->inputs[i];
    }
    *added = layer;
    return type->infer(layer);
}

struct shape layer_input_shape(const struct layer *layer, int input)
{
    return layer->graph->values[layer->inputs[input]].shape;
}

struct shape layer_output_shape(const struct layer *layer, int output)
{
    return layer->graph->values[layer->outputs[output]].shape;
}

enum status layer_require_numbers(const struct layer *layer)
{
    for (int i = 0; i < layer->input_count; i++) {
        const struct value *value = &layer->graph->values[layer->inputs[i]];
        if (value->dtype != DTYPE_FLOAT32) {
            return layer_fail(layer, "works on numbers, but its input %s holds integers", value->name);
        }
    }
    return STATUS_OK;
}

enum status layer_require_image(const struct layer *layer)
{
    struct shape input = layer_input_shape(layer, 0);
    char text[SHAPE_TEXT_SIZE];
    TRY(layer_require_numbers(layer));
    if (input.rank != 3) {
        return layer_fail(layer, "needs an image (channels x height x width), but its input is %s",
                          shape_format(input, text));
    }
    return STATUS_OK;
}

static bool layer_needs_gradient(const struct layer *layer)
{
    for (int i = 0; i < layer->input_count; i++) {
        if (layer->graph->values[layer->inputs[i]].needs_gradient) {
            return true;
        }
    }
    for (int i = 0; i < layer->parameter_count; i++) {
        if (layer->graph->parameters[layer->parameters[i]].kind == PARAMETER_WEIGHT) {
            return true;
        }
    }
    return false;
}

enum status layer_add_output(struct layer *layer, struct shape shape)
{
    int index;
    TRY(add_value(layer->graph, layer->name, shape, DTYPE_FLOAT32, layer->index, &index));
    layer->graph->values[index].needs_gradient = layer_needs_gradient(layer);
    layer->outputs[layer->output_count++] = index;
    return STATUS_OK;
}

enum status layer_add_parameter(struct layer *layer, const char *suffix, const struct parameter *parameter)
{
    struct graph *graph = layer->graph;
    TRY(memory_resize((size_t)graph->parameter_count + 1, sizeof *graph->parameters, &graph->parameters));
    struct parameter *added = &graph->parameters[graph->parameter_count];
    *added = *parameter;
    added->layer = layer->index;
    added->offset = -1;
    int length = snprintf(added->name, sizeof added->name, "%s.%s", layer->name, suffix);
    if (length >= (int)sizeof added->name) {
        return layer_fail(layer, "its name is too long; at most %zu characters fit", sizeof added->name - 32);
    }
    layer->parameters[layer->parameter_count++] = graph->parameter_count++;
    return STATUS_OK;
}

int graph_find_value(const struct graph *graph, const char *name)
{
    for (int i = 0; i < graph->value_count; i++) {
        if (strcmp(graph->values[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int graph_find_parameter(const struct graph *graph, const char *name)
{
    for (int i = 0; i < graph->parameter_count; i++) {
        if (strcmp(graph->parameters[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int64_t graph_parameter_total(const struct graph *graph)
{
    int64_t total = 0;
    for (int i = 0; i < graph->parameter_count; i++) {
        if (graph->parameters[i].kind == PARAMETER_WEIGHT) {
            total += parameter_count(&graph->parameters[i]);
        }
    }
    return total;
}
