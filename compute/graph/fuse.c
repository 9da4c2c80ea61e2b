#include "compute/graph/fuse.h"

#include "base/memory.h"
#include "compute/graph/layer.h"

/* A layer while it is decided what it absorbs: so many values it writes in turn, the last of which is written. */
struct candidate {
    const struct layer *layer;
    int written;     /* value */
    bool normalises; /* batch_norm was absorbed */
    bool adds;       /* a sum was */
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

/* Of the two inputs of a sum, the one that is not `value`. */
static int other_input(const struct layer *sum, int value)
{
    return sum->inputs[sum->inputs[0] == value ? 1 : 0];
}

/* Whether a value is written before the layer runs. What absorbs layers so early was decided before. */
static bool is_there(const struct tape *tape, int value, const struct layer *layer)
{
    int producer = tape->graph->values[value].producer;
    int writer = producer >= 0 && tape->absorbers[producer] >= 0 ? tape->absorbers[producer] : producer;
    return writer < layer->index;
}

/* Whether the candidate's kernel can do the work of `next`, the only reader of what it writes. */
static bool can_absorb(const struct lower_params *params, const struct tape *tape, const struct candidate *candidate,
                       const struct layer *next)
{
    const struct layer_type *type = candidate->layer->type;
    if (params->mode == TAPE_EVALUATE && next->type->fold != NULL) {
        return type->epilogue >= EPILOGUE_NORMALISE && !candidate->normalises && !candidate->adds;
    }
    if (next->type->sums_inputs) {
        return type->epilogue >= EPILOGUE_RESIDUAL && !candidate->adds && next->input_count == 2 &&
               is_there(tape, other_input(next, candidate->written), candidate->layer);
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
    while (next != NULL && can_absorb(params, tape, &candidate, next)) {
        tape->absorbers[next->index] = layer->index;
        if (next->type->map != NULL) {
            return; /* the last that an epilogue can do */
        }
        if (next->type->sums_inputs) {
            tape->residuals[layer->index] = other_input(next, candidate.written);
            candidate.adds = true;
        } else {
            candidate.normalises = true;
        }
        candidate.written = next->outputs[0];
        next = only_consumer(params, candidate.written);
    }
}

enum status fuse(const struct lower_params *params, struct tape *tape)
{
    const struct graph *graph = params->graph;
    TRY(memory_allocate((size_t)graph->layer_count, sizeof(int), &tape->absorbers));
    TRY(memory_allocate((size_t)graph->layer_count, sizeof(int), &tape->residuals));
    for (int i = 0; i < graph->layer_count; i++) {
        tape->absorbers[i] = -1;
        tape->residuals[i] = -1;
    }
    for (int i = 0; i < graph->layer_count && !params->unfused; i++) {
        absorb(params, tape, graph->layers[i]);
    }
    return STATUS_OK;
}

/* Adds to tape->epilogue what an absorbed layer is forward. */
static enum status add_forward(struct tape *tape, const struct layer *absorbed)
{
    if (absorbed->type->map != NULL) {
        tape->epilogue.map = absorbed->type->map(absorbed);
        return STATUS_OK;
    }
    if (absorbed->type->sums_inputs) {
        int residual = tape->residuals[tape->absorbers[absorbed->index]];
        tape->epilogue.adds = true;
        tape->epilogue.residual = tape_bind(tape, tape->value_tensors[residual], ACCESS_READ);
        return STATUS_OK;
    }
    tape->layer = absorbed->index;
    tape->epilogue.normalises = true;
    return absorbed->type->fold(absorbed, tape, &tape->epilogue.rows);
}

enum status fuse_epilogue(struct tape *tape, const struct layer *layer)
{
    tape->epilogue = (struct epilogue){0};
    for (int i = layer->index + 1; i < tape->graph->layer_count; i++) {
        const struct layer *absorbed = tape->graph->layers[i];
        if (tape->absorbers[i] != layer->index) {
            continue;
        }
        if (tape->pass == PASS_FORWARD) {
            TRY(add_forward(tape, absorbed));
        } else if (fuse_is_derived(tape, absorbed)) {
            tape->epilogue.map = absorbed->type->map(absorbed);
        }
    }
    return STATUS_OK;
}

bool fuse_is_derived(const struct tape *tape, const struct layer *layer)
{
    int absorber = tape->absorbers[layer->index];
    return absorber >= 0 && layer->type->map != NULL && tape->graph->layers[absorber]->type->derives &&
           tape->residuals[absorber] < 0;
}
