#include "train/footprint.h"

#include <stdlib.h>

#include "base/memory.h"

enum { SHOWN_LAYERS = 3 };

/* Bytes, about: what helpers need on the way is left out. */
struct footprint {
    const struct layer *layer;
    double weights;     /* with their gradients and the optimiser's state */
    double activations; /* their gradients are short-lived, and share memory */
};

static double total(const struct footprint *footprint)
{
    return footprint->weights + footprint->activations;
}

static int largest_first(const void *first, const void *second)
{
    double a = total(first);
    double b = total(second);
    return a == b ? 0 : a > b ? -1 : 1;
}

/* Samples that a round holds at most. */
static int64_t round_samples(const struct session *session)
{
    int shards = 0;
    for (int i = 0; i < session->rounds.count; i++) {
        shards = session->rounds.rounds[i].shard_count > shards ? session->rounds.rounds[i].shard_count : shards;
    }
    return shards * session->shard_samples;
}

static struct footprint measure(const struct session *session, const struct layer *layer)
{
    struct footprint footprint = {.layer = layer};
    const struct graph *graph = layer->graph;
    const uint64_t *sizes = session->program.region_sizes;
    uint64_t flat = sizes[REGION_PARAMETERS];
    double copies = (double)(flat + sizes[REGION_GRADIENTS] + sizes[REGION_OPTIMIZER]) / (double)flat;
    for (int i = 0; i < layer->parameter_count; i++) {
        footprint.weights += copies * sizeof(float) * (double)graph->parameters[layer->parameters[i]].elements;
    }
    for (int i = 0; i < layer->output_count; i++) {
        const struct value *value = &graph->values[layer->outputs[i]];
        footprint.activations +=
            sizeof(float) * (double)(round_samples(session) * shape_elements(value->shape, value->dtype));
    }
    return footprint;
}

/* The key that says how many weights a layer has. */
static const char *size_key(const struct layer_type *type)
{
    static const char *const keys[] = {"features", "channels"};
    for (size_t i = 0; i < COUNT_OF(keys) && type->options != NULL; i++) {
        if (option_find(type->options, keys[i]) != NULL) {
            return keys[i];
        }
    }
    return NULL;
}

static enum status add_layer_advice(const struct config *config, const struct layer *layer, struct text *text)
{
    char *section;
    const char *key = size_key(layer->type);
    TRY(memory_format(&section, "layer %s", layer->name));
    enum status status;
    if (key != NULL && config_has_section(config, section)) {
        status = text_add(text, "set %s of [%s] lower", key, section);
    } else {
        status = text_add(text, "take a smaller [model] architecture, or fewer of its channels");
    }
    free(section);
    return status;
}

static enum status describe(const struct config *config, struct footprint *footprints, int count, struct text *text)
{
    double all = 0;
    double weights = 0;
    const struct footprint *heaviest = &footprints[0]; /* by its weights */
    qsort(footprints, (size_t)count, sizeof *footprints, largest_first);
    for (int i = 0; i < count; i++) {
        all += total(&footprints[i]);
        weights += footprints[i].weights;
        heaviest = footprints[i].weights > heaviest->weights ? &footprints[i] : heaviest;
    }
    TRY(text_add(text, "; most is taken by "));
    for (int i = 0; i < count && i < SHOWN_LAYERS && (i == 0 || total(&footprints[i]) > 0.1 * all); i++) {
        const struct layer *layer = footprints[i].layer;
        TRY(text_add(text, "%slayer %s (%s), %.0f MiB", i > 0 ? ", " : "", layer->name, layer->type->name,
                     total(&footprints[i]) / 1048576.0));
    }
    TRY(text_add(text, ": "));
    if (weights > 0.2 * all) {
        TRY(add_layer_advice(config, heaviest->layer, text));
    }
    if (weights < 0.8 * all) {
        TRY(text_add(text, "%sset run.batch lower or run.accumulate higher, or use more ranks",
                     weights > 0.2 * all ? ", and " : ""));
    }
    return STATUS_OK;
}

enum status footprint_explain(const struct session *session, const struct config *config, enum status status)
{
    const struct graph *graph = &session->model.graph;
    struct text text = {0};
    struct footprint *footprints;
    if (graph->layer_count == 0 ||
        memory_allocate((size_t)graph->layer_count, sizeof *footprints, &footprints) != STATUS_OK) {
        return status;
    }
    for (int i = 0; i < graph->layer_count; i++) {
        footprints[i] = measure(session, graph->layers[i]);
    }
    if (describe(config, footprints, graph->layer_count, &text) == STATUS_OK) {
        status = fail(status, "%s%s", status_message(), text_get(&text));
    }
    text_release(&text);
    free(footprints);
    return status;
}
