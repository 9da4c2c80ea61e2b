#include "compute/graph/fuse.h"

#include "base/memory.h"
#include "compute/graph/layer.h"

/* A layer while it is decided what it absorbs: so many values it writes in turn, the last of which is written. */
struct candidate {
    const struct layer *layer;
    int written;     /* value */
    bool normalises; /* batch_norm was absorbed */
};

/* The only layer that reads a value, once; NULL where there are none or several, or the host sees it. */
static const struct layer *only_consumer(const struct lower_params *params, int value)
{
    if (lower_lists(params->observed, params->observed_count, value) ||
        lower_lists(params->seeded, params->seeded_count, value) ||
        lower_lists(params->observed_gradients, params->observed_gradient_count, value)) {
        return NULL;
    }
    const struct layer *found = NULL;
    for (int i = 0; i < params->graph->layer_count; i++) {
        const struct layer *layer = params->graph->layers[i];
        for (int j = 0; j < layer->input_count; j++) {
            if (layer->inputs[j] == value) {
                if (found != NULL) {
                    return NULL;
                }
                found = layer;
            }
        }
    }
    return found;
}

/* Whether the candidate's kernel can do the work of `next`, the only reader of what it writes. */
static bool can_absorb(const struct lower_params *params, const struct candidate *candidate, const struct layer *next)
{
    const struct layer_type *type = candidate->layer->type;
    if (params->mode == TAPE_EVALUATE && next->type->fold != NULL) {
        return type->epilogue == EPILOGUE_NORMALISE && !candidate->normalises;
    }
    if (next->type->map == NULL || type->epilogue == EPILOGUE_NONE) {
        return false;
    }
    /* A map's own backward reads what it wrote. */
    return type->map == NULL || params->mode == TAPE_EVALUATE ||
           !params->graph->values[candidate->written].needs_gradient;
}

static void absorb(const struct lower_params *params, struct tape *tape, const struct layer *layer)
{
    if (layer->output_count != 1 || tape->absorbers[layer->index] >= 0) {
        return;
    }
    struct candidate candidate = {.layer = layer, .written = layer->outputs[0]};
    const struct layer *next = only_consumer(params, candidate.written);
    while (next != NULL && can_absorb(params, &candidate, next)) {
        tape->absorbers[next->index] = layer->index;
        if (next->type->map != NULL) {
            return; /* the last that an epilogue can do */
        }
        candidate.normalises = true;
        candidate.written = next->outputs[0];
        next = only_consumer(params, candidate.written);
    }
}

enum status fuse(const struct lower_params *params, struct tape *tape)
{
    const struct graph *graph = params->graph;
    TRY(memory_allocate((size_t)graph->layer_count, sizeof(int), &tape->absorbers));
    for (int i = 0; i < graph->layer_count; i++) {
        tape->absorbers[i] = -1;
    }
    for (int i = 0; i < graph->layer_count && !params->unfused; i++) {
        absorb(params, tape, graph->layers[i]);
    }
    return STATUS_OK;
}

enum status fuse_epilogue(struct tape *tape, const struct layer *layer)
{
    tape->epilogue = (struct epilogue){0};
    for (int i = layer->index + 1; i < tape->graph->layer_count; i++) {
        const struct layer *absorbed = tape->graph->layers[i];
        if (tape->absorbers[i] != layer->index) {
            continue;
        }
        if (absorbed->type->map != NULL) {
            tape->epilogue.map = absorbed->type->map(absorbed);
            continue;
        }
        tape->layer = i;
        tape->epilogue.normalises = true;
        TRY(absorbed->type->fold(absorbed, tape, &tape->epilogue.rows));
    }
    return STATUS_OK;
}

bool fuse_is_derived(const struct tape *tape, const struct layer *layer)
{
    int absorber = tape->absorbers[layer->index];
    return absorber >= 0 && tape->graph->layers[absorber]->type->derives;
}
