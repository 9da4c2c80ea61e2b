#include "compute/graph/fuse.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/layer.h"
#include "compute/graph/tape_private.h"
#include "shaders/gradient_sum.h"
#include "shaders/step.h"

enum status tape_add_regions(struct tape *tape)
{
    static const struct {
        enum region region;
        const char *name;
    } regions[] = {{REGION_PARAMETERS, "parameters"},
                   {REGION_GRADIENTS, "gradients"},
                   {REGION_OPTIMIZER, "optimizer"},
                   {REGION_CONSTANTS, "constants"}};
    for (size_t i = 0; i < COUNT_OF(regions); i++) {
        TRY(tape_add_tensor(tape, regions[i].name, regions[i].region, 0, UINT64_MAX,
                            &tape->region_tensors[regions[i].region]));
    }
    return tape_add_tensor(tape, "step scalars", REGION_STEP, 0, sizeof(struct step_scalars),
                           &tape->region_tensors[REGION_STEP]);
}

static uint64_t value_size(const struct tape *tape, const struct value *value)
{
    return (uint64_t)(geometry_samples(&tape->geometry) * shape_elements(value->shape, value->dtype)) * sizeof(float);
}

/* The value that is written instead of this one, which has no memory where the layers that read it were absorbed. */
static int written_as(const struct tape *tape, int value)
{
    for (int i = 0; i < tape->graph->layer_count; i++) {
        const struct layer *layer = tape->graph->layers[i];
        for (int j = 0; tape->absorbers[i] >= 0 && j < layer->input_count; j++) {
            if (layer->inputs[j] == value && tape->residuals[tape->absorbers[i]] != value) {
                value = layer->outputs[0]; /* of a later layer */
                break;
            }
        }
    }
    return value;
}

static enum status add_value_tensors(const struct lower_params *params, struct tape *tape)
{
    const struct graph *graph = params->graph;
    TRY(memory_allocate((size_t)graph->value_count, sizeof(int), &tape->value_tensors));
    TRY(memory_allocate((size_t)graph->value_count, sizeof(int), &tape->gradient_tensors));
    TRY(memory_allocate((size_t)graph->value_count, sizeof(int), &tape->addend_tensors));
    TRY(memory_allocate((size_t)graph->layer_count * LAYER_MAX_SAVED, sizeof(int), &tape->saved));
    for (int i = 0; i < graph->layer_count * LAYER_MAX_SAVED; i++) {
        tape->saved[i] = TENSOR_NONE;
    }
    for (int i = 0; i < graph->value_count; i++) {
        const struct value *value = &graph->values[i];
        tape->gradient_tensors[i] = TENSOR_NONE;
        tape->addend_tensors[i] = TENSOR_NONE;
        uint64_t size = value_size(tape, value);
        if (written_as(tape, i) != i) {
            tape->value_tensors[i] = TENSOR_NONE; /* until that one has its tensor */
        } else if (value->producer < 0) {
            TRY(tape_add_placed(tape, value->name, REGION_INPUT, size, &tape->value_tensors[i]));
        } else if (lower_lists(params->observed, params->observed_count, i)) {
            TRY(tape_add_placed(tape, value->name, REGION_OUTPUT, size, &tape->value_tensors[i]));
        } else {
            TRY(tape_scratch(tape, value->name, size, &tape->value_tensors[i]));
        }
    }
    for (int i = 0; i < graph->value_count; i++) {
        tape->value_tensors[i] = tape->value_tensors[written_as(tape, i)];
    }
    return STATUS_OK;
}

static enum status add_loss_tensors(struct tape *tape)
{
    TRY(tape_add_placed(tape, "weights", REGION_INPUT, (uint64_t)geometry_samples(&tape->geometry) * sizeof(float),
                        &tape->weights_tensor));
    tape->metrics_tensor = tape->tensor_count;
    for (int i = 0; i < tape->graph->layer_count; i++) {
        if (tape->graph->layers[i]->type->is_loss) {
            int tensor;
            TRY(tape_add_placed(tape, "metrics", REGION_OUTPUT,
                                (uint64_t)tape->geometry.shard_count * METRIC_COUNT * sizeof(float), &tensor));
        }
    }
    return STATUS_OK;
}

/* Calls forward() or backward(); what helpers refuse, they refuse without knowing for which layer. */
static enum status emit(struct tape *tape, const struct layer *layer,
                        enum status (*pass)(const struct layer *, struct tape *))
{
    enum status status = pass(layer, tape);
    if (status == STATUS_BAD_INPUT && strncmp(status_message(), "layer ", strlen("layer ")) != 0) {
        return fail_context(status, "layer %s (%s): ", layer->name, layer->type->name);
    }
    return status;
}

static enum status emit_forward(struct tape *tape)
{
    tape->pass = PASS_FORWARD;
    for (int i = 0; i < tape->graph->layer_count; i++) {
        const struct layer *layer = tape->graph->layers[i];
        if (tape->absorbers[i] >= 0) {
            continue;
        }
        TRY(fuse_epilogue(tape, layer));
        tape->layer = i;
        TRY(emit(tape, layer, layer->type->forward));
    }
    tape->epilogue = (struct epilogue){0};
    return STATUS_OK;
}

static enum status emit_sum(struct tape *tape, int left, int right, int sum)
{
    uint64_t size = tape->tensors[sum].size;
    struct gradient_sum_push push = {.part.count = (uint)divide_up(size, 4 * sizeof(float))};
    struct dispatch dispatch = {.kernel = "gradient_sum", .binding_count = 3, .flops = (double)size / sizeof(float)};
    dispatch.bindings[0] = tape_bind(tape, left, ACCESS_READ);
    dispatch.bindings[1] = tape_bind(tape, right, ACCESS_READ);
    dispatch.bindings[2] = tape_bind(tape, sum, ACCESS_WRITE);
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up(push.part.count, RANGE_LOCAL_SIZE * GRADIENT_SUM_TURNS));
    return tape_dispatch(tape, &dispatch);
}

/* Whether the last of several gradients of a value may be left to the backward pass of the layer that made it. */
static bool leaves_addend(const struct tape *tape, int value)
{
    int producer = tape->graph->values[value].producer;
    if (producer < 0) {
        return false;
    }
    const struct layer *layer = tape->graph->layers[producer];
    return layer->type->adds_gradients && !fuse_is_derived(tape, layer);
}

/*
 * Sets the gradient of a value to the sum of what its consumers gave, in the order in which they gave it; or all but
 * the last addition.
 */
static enum status add_up(const struct lower_params *params, struct tape *tape, int value)
{
    int sum = TENSOR_NONE;
    int left = 0;
    for (int i = 0; i < tape->contribution_count; i++) {
        left += tape->contributions[i].value == value ? 1 : 0;
    }
    bool observed = lower_lists(params->observed_gradients, params->observed_gradient_count, value);
    for (int i = 0; i < tape->contribution_count; i++) {
        if (tape->contributions[i].value != value) {
            continue;
        }
        left--;
        int next = tape->contributions[i].tensor;
        if (sum == TENSOR_NONE) {
            sum = next;
            continue;
        }
        if (left == 0 && !observed && !params->unfused && leaves_addend(tape, value)) {
            tape->addend_tensors[value] = next;
            break;
        }
        int total;
        TRY(tape_scratch(tape, "sum of gradients", tape->tensors[sum].size, &total));
        TRY(emit_sum(tape, sum, next, total));
        sum = total;
    }
    if (observed && sum != TENSOR_NONE) {
        /* What the host reads has its place in the output region; its writer may not know of that. */
        struct tensor *tensor = &tape->tensors[sum];
        if (tensor->region == REGION_ARENA) {
            tensor->region = REGION_OUTPUT;
            tensor->offset = tape->region_sizes[REGION_OUTPUT];
            tape->region_sizes[REGION_OUTPUT] += round_up(tensor->size, TENSOR_ALIGNMENT);
        }
    }
    tape->gradient_tensors[value] = sum;
    return STATUS_OK;
}

static bool wants_backward(const struct tape *tape, const struct layer *layer)
{
    if (layer->type->is_loss) {
        return tape->graph->values[layer->inputs[0]].needs_gradient;
    }
    for (int i = 0; i < layer->output_count; i++) {
        if (tape->gradient_tensors[layer->outputs[i]] != TENSOR_NONE) {
            return true;
        }
    }
    return false;
}

static enum status emit_backward(const struct lower_params *params, struct tape *tape)
{
    tape->pass = PASS_BACKWARD;
    for (int i = 0; i < params->seeded_count; i++) {
        int value = params->seeded[i];
        int tensor;
        TRY(tape_add_placed(tape, "given gradient", REGION_INPUT, tape->tensors[tape->value_tensors[value]].size,
                            &tensor));
        TRY(memory_resize((size_t)tape->contribution_count + 1, sizeof *tape->contributions, &tape->contributions));
        tape->contributions[tape->contribution_count++] = (struct contribution){.value = value, .tensor = tensor};
    }
    for (int i = tape->graph->layer_count - 1; i >= 0; i--) {
        const struct layer *layer = tape->graph->layers[i];
        tape->layer = i;
        for (int j = 0; j < layer->output_count; j++) {
            TRY(add_up(params, tape, layer->outputs[j]));
        }
        if (!wants_backward(tape, layer)) {
            continue;
        }
        if (fuse_is_derived(tape, layer)) {
            TRY(tape_alias_input_gradient(tape, layer, 0, tape_output_gradient(tape, layer, 0)));
            continue;
        }
        TRY(fuse_epilogue(tape, layer));
        TRY(emit(tape, layer, layer->type->backward));
    }
    tape->layer = -1;
    for (int i = 0; i < tape->graph->value_count; i++) {
        if (tape->graph->values[i].producer < 0) {
            TRY(add_up(params, tape, i));
        }
    }
    return STATUS_OK;
}

static enum status lower_tape(const struct lower_params *params, struct tape *tape)
{
    TRY(tape_add_regions(tape));
    TRY(fuse(params, tape));
    TRY(add_value_tensors(params, tape));
    TRY(add_loss_tensors(tape));
    TRY(emit_forward(tape));
    if (params->mode == TAPE_TRAIN) {
        TRY(emit_backward(params, tape));
    }
    tape->layer = -1;
    return STATUS_OK;
}

enum status lower(const struct lower_params *params, struct tape *tape)
{
    *tape = (struct tape){
        .graph = params->graph,
        .mode = params->mode,
        .device_class = params->device_class,
        .tuning = params->tuning != NULL ? params->tuning : tuning_default(params->device_class),
        .lanes = params->lanes != 0 ? params->lanes : 8,
        .geometry = params->geometry,
        .flat_count = params->flat_count,
    };
    enum status status = lower_tape(params, tape);
    if (status != STATUS_OK) {
        tape_release(tape);
    }
    return status;
}

enum status tape_init(struct tape *tape, const struct graph *graph, enum device_class device_class, int64_t flat_count)
{
    *tape = (struct tape){.graph = graph,
                          .mode = TAPE_TRAIN,
                          .device_class = device_class,
                          .tuning = tuning_default(device_class),
                          .lanes = 8,
                          .flat_count = flat_count,
                          .layer = -1,
                          .pass = PASS_UPDATE};
    enum status status = tape_add_regions(tape);
    if (status != STATUS_OK) {
        tape_release(tape);
    }
    return status;
}

int lower_value_tensor(const struct tape *tape, int value)
{
    return tape->value_tensors[value];
}

int lower_gradient_tensor(const struct tape *tape, int value)
{
    return tape->gradient_tensors[value];
}
