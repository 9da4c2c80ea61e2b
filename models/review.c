#include "models/review.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

const char layer_prefix[] = "layer ";

/* "layer NAME" where the config has that section; NULL for a layer of an architecture. The caller frees it. */
static enum status section_of(const struct config *config, const struct layer *layer, char **section)
{
    TRY(memory_format(section, "%s%s", layer_prefix, layer->name));
    if (!config_has_section(config, *section)) {
        free(*section);
        *section = NULL;
    }
    return STATUS_OK;
}

/* Marks the layers that lead to marked ones. */
static void mark_above(const struct graph *graph, bool *marks)
{
    for (int i = graph->layer_count - 1; i >= 0; i--) {
        const struct layer *layer = graph->layers[i];
        for (int j = 0; marks[i] && j < layer->input_count; j++) {
            int producer = graph->values[layer->inputs[j]].producer;
            if (producer >= 0) {
                marks[producer] = true;
            }
        }
    }
}

/* --- overrides ---------------------------------------------------------------------------------------------------- */

static enum status add_overrides(const struct config *config, const char *section, struct text *text)
{
    const char *key;
    const char *value;
    for (size_t i = 0; (key = config_override(config, section, i, &value)) != NULL; i++) {
        TRY(text_add(text, "%s[%s] %s = %s", text->length == 0 ? "; the command line sets " : ", ", section, key,
                     value));
    }
    return STATUS_OK;
}

static enum status add_overrides_above(const struct config *config, const struct graph *graph, const bool *marks,
                                       struct text *text)
{
    bool model = false; /* [model] is named once for all its layers */
    for (int i = 0; i < graph->layer_count; i++) {
        char *section = NULL;
        if (!marks[i]) {
            continue;
        }
        TRY(section_of(config, graph->layers[i], &section));
        enum status status = STATUS_OK;
        if (section != NULL || !model) {
            status = add_overrides(config, section != NULL ? section : "model", text);
        }
        model = model || section == NULL;
        free(section);
        TRY(status);
    }
    return STATUS_OK;
}

enum status blame_overrides(const struct config *config, const struct graph *graph, const char *section,
                            const struct layer_params *layer, struct text *text)
{
    bool *marks;
    TRY(memory_allocate((size_t)graph->layer_count + 1, sizeof *marks, &marks));
    for (int i = 0; i < layer->input_count; i++) {
        int producer = graph->values[layer->inputs[i]].producer;
        if (producer >= 0) {
            marks[producer] = true;
        }
    }
    mark_above(graph, marks);
    enum status status = add_overrides_above(config, graph, marks, text);
    free(marks);
    TRY(status);
    return section != NULL ? add_overrides(config, section, text) : STATUS_OK;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static enum status locate(const struct config *config, const struct graph *graph, const struct layer *layer,
                          const char *rest, enum status failure)
{
    char *section;
    char *where = NULL;
    struct text overrides = {0};
    struct layer_params params = {.inputs = layer->inputs, .input_count = layer->input_count};
    TRY(section_of(config, layer, &section));
    enum status status = STATUS_OK;
    TRY_OUT(config_place(config, section != NULL ? section : "model", &where));
    TRY_OUT(blame_overrides(config, graph, section != NULL ? section : "model", &params, &overrides));
    if (section != NULL) {
        status = fail(failure, "%s: [%s] %s: %s%s", where, section, layer->type->name, rest, text_get(&overrides));
    } else {
        status = fail(failure, "%s: [model] layer %s (%s): %s%s", where, layer->name, layer->type->name, rest,
                      text_get(&overrides));
    }
out:
    text_release(&overrides);
    free(section);
    free(where);
    return status;
}

enum status model_locate_failure(const struct config *config, const struct model *model, enum status status)
{
    for (int i = 0; i < model->graph.layer_count; i++) {
        const struct layer *layer = model->graph.layers[i];
        char *start;
        TRY(memory_format(&start, "layer %s (%s): ", layer->name, layer->type->name));
        bool found = starts_with(status_message(), start);
        size_t length = strlen(start);
        free(start);
        if (found) {
            return locate(config, &model->graph, layer, status_message() + length, status);
        }
    }
    return status;
}

/* --- heads -------------------------------------------------------------------------------------------------------- */

/* Whether the size of a layer's output is that of its inputs, so that what goes to it might as well go to a loss. */
static bool keeps_size(const struct layer *layer)
{
    bool keeps = layer->parameter_count == 0 && layer->output_count == 1;
    for (int i = 0; keeps && i < layer->input_count; i++) {
        keeps = shape_channels(layer_input_shape(layer, i)) == shape_channels(layer_output_shape(layer, 0));
    }
    return keeps;
}

static bool takes_size_from_data(const struct config *config, const struct layer *layer, const char *section)
{
    const struct option *option = layer->type->options != NULL ? option_find(layer->type->options, "features") : NULL;
    const char *given = config_get(config, section, "features", NULL);
    return option != NULL && (given == NULL || strtoll(given, NULL, 10) == 0);
}

static enum status check_head(struct config *config, const struct layer *layer, bool goes_to_loss)
{
    char *section;
    TRY(section_of(config, layer, &section));
    if (section != NULL && !goes_to_loss && takes_size_from_data(config, layer, section)) {
        config_problem(config, section, NULL,
                       "set features: only a layer whose output goes to a loss takes its size from the data");
    }
    free(section);
    return STATUS_OK;
}

enum status check_heads(struct config *config, const struct model *model)
{
    const struct graph *graph = &model->graph;
    bool *goes_to_loss;
    TRY(memory_allocate((size_t)graph->value_count, sizeof *goes_to_loss, &goes_to_loss));
    enum status status = STATUS_OK;
    for (int i = graph->layer_count - 1; i >= 0; i--) {
        const struct layer *layer = graph->layers[i];
        bool hands_on = layer->output_count > 0 && goes_to_loss[layer->outputs[0]];
        TRY_OUT(check_head(config, layer, hands_on));
        for (int j = 0; j < layer->input_count; j++) {
            if (layer->type->is_loss ? j == 0 : hands_on && keeps_size(layer)) {
                goes_to_loss[layer->inputs[j]] = true;
            }
        }
    }
out:
    free(goes_to_loss);
    return status;
}

/* --- layers without effect ---------------------------------------------------------------------------------------- */

/* Of an architecture's layers the first is named, and the others are counted. */
struct unread {
    const struct layer *first;
    int count;
};

static enum status warn(const struct config *config, const struct model *model, const struct layer *layer,
                        struct unread *of_architecture)
{
    char *section;
    char *where = NULL;
    TRY(section_of(config, layer, &section));
    if (section == NULL) {
        of_architecture->first = of_architecture->count++ == 0 ? layer : of_architecture->first;
        return STATUS_OK;
    }
    enum status status = config_place(config, section, &where);
    if (status == STATUS_OK) {
        bool behind = layer->index > model->losses[model->loss_count - 1];
        log_warning("%s: [%s] has no effect: its output does not go to a loss%s", where, section,
                    behind ? ", which stands above it" : "");
    }
    free(section);
    free(where);
    return status;
}

enum status model_warn_unread(const struct config *config, const struct model *model)
{
    const struct graph *graph = &model->graph;
    struct unread of_architecture = {0};
    bool *leads;
    TRY(memory_allocate((size_t)graph->layer_count + 1, sizeof *leads, &leads));
    for (int i = 0; i < model->loss_count; i++) {
        leads[model->losses[i]] = true;
    }
    mark_above(graph, leads);
    enum status status = STATUS_OK;
    for (int i = 0; i < graph->layer_count; i++) {
        if (!leads[i] && model->loss_count > 0) {
            TRY_OUT(warn(config, model, graph->layers[i], &of_architecture));
        }
    }
    if (of_architecture.count > 0) {
        char *where;
        TRY_OUT(config_place(config, "model", &where));
        log_warning(
            "%s: [model] %d layers of the architecture, from %s on, have no effect: their outputs do not go to a "
            "loss",
            where, of_architecture.count, of_architecture.first->name);
        free(where);
    }
out:
    free(leads);
    return status;
}
