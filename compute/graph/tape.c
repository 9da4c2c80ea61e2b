#include "compute/graph/tape.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/layer.h"
#include "compute/graph/tape_private.h"

const char *const device_class_names[] = {"cpu", "gpu", "gpu with cooperative matrix", NULL};

enum status tape_add_tensor(struct tape *tape, const char *name, enum region region, uint64_t offset, uint64_t size,
                            int *tensor)
{
    TRY(memory_resize((size_t)tape->tensor_count + 1, sizeof *tape->tensors, &tape->tensors));
    struct tensor *added = &tape->tensors[tape->tensor_count];
    *added = (struct tensor){.region = region, .offset = offset, .size = size};
    snprintf(added->name, sizeof added->name, "%s", name);
    *tensor = tape->tensor_count++;
    return STATUS_OK;
}

enum status tape_add_placed(struct tape *tape, const char *name, enum region region, uint64_t size, int *tensor)
{
    uint64_t offset = tape->region_sizes[region];
    tape->region_sizes[region] = offset + round_up(size, TENSOR_ALIGNMENT);
    return tape_add_tensor(tape, name, region, offset, size, tensor);
}

enum status tape_scratch(struct tape *tape, const char *name, uint64_t size, int *tensor)
{
    return tape_add_tensor(tape, name, REGION_ARENA, 0, size, tensor);
}

enum status tape_exchange(struct tape *tape, const char *name, uint64_t size, int *tensor)
{
    return tape_add_placed(tape, name, REGION_EXCHANGE, size, tensor);
}

static int *saved_slot(const struct tape *tape, const struct layer *layer, int slot)
{
    assert(slot >= 0 && slot < LAYER_MAX_SAVED);
    return &tape->saved[layer->index * LAYER_MAX_SAVED + slot];
}

void tape_save(struct tape *tape, const struct layer *layer, int slot, int tensor)
{
    *saved_slot(tape, layer, slot) = tensor;
}

int tape_saved(const struct tape *tape, const struct layer *layer, int slot)
{
    return *saved_slot(tape, layer, slot);
}

struct binding tape_bind(const struct tape *tape, int tensor, enum access access)
{
    assert(tensor >= 0 && tensor < tape->tensor_count);
    return (struct binding){.tensor = tensor, .access = access, .offset = 0, .size = tape->tensors[tensor].size};
}

int tape_input(const struct tape *tape, const struct layer *layer, int input)
{
    return tape->value_tensors[layer->inputs[input]];
}

int tape_output(const struct tape *tape, const struct layer *layer, int output)
{
    return tape->value_tensors[layer->outputs[output]];
}

int tape_output_gradient(const struct tape *tape, const struct layer *layer, int output)
{
    return tape->gradient_tensors[layer->outputs[output]];
}

int tape_output_gradient_addend(const struct tape *tape, const struct layer *layer, int output)
{
    return tape->addend_tensors[layer->outputs[output]];
}

static enum status add_contribution(struct tape *tape, int value, int tensor)
{
    TRY(memory_resize((size_t)tape->contribution_count + 1, sizeof *tape->contributions, &tape->contributions));
    tape->contributions[tape->contribution_count++] = (struct contribution){.value = value, .tensor = tensor};
    return STATUS_OK;
}

enum status tape_input_gradient(struct tape *tape, const struct layer *layer, int input, int *tensor)
{
    *tensor = TENSOR_NONE;
    int value = layer->inputs[input];
    if (!tape->graph->values[value].needs_gradient) {
        return STATUS_OK;
    }
    char name[sizeof tape->tensors->name];
    snprintf(name, sizeof name, "gradient of %.48s", tape->graph->values[value].name);
    TRY(tape_scratch(tape, name, tape->tensors[tape->value_tensors[value]].size, tensor));
    return add_contribution(tape, value, *tensor);
}

bool tape_alias_output(struct tape *tape, const struct layer *layer, int output, int tensor)
{
    int *own = &tape->value_tensors[layer->outputs[output]];
    if (tape->tensors[*own].region != REGION_ARENA) {
        return false;
    }
    *own = tensor;
    return true;
}

enum status tape_alias_input_gradient(struct tape *tape, const struct layer *layer, int input, int tensor)
{
    int value = layer->inputs[input];
    return tape->graph->values[value].needs_gradient ? add_contribution(tape, value, tensor) : STATUS_OK;
}

static struct binding bind_parameter(const struct tape *tape, const struct layer *layer, int parameter,
                                     enum region region, int copy, enum access access)
{
    const struct parameter *bound = &tape->graph->parameters[layer->parameters[parameter]];
    assert(bound->offset >= 0);
    return (struct binding){
        .tensor = tape->region_tensors[region],
        .access = access,
        .offset = ((uint64_t)copy * (uint64_t)tape->flat_count + (uint64_t)bound->offset) * sizeof(float),
        .size = (uint64_t)bound->elements * sizeof(float),
    };
}

struct binding tape_parameter(const struct tape *tape, const struct layer *layer, int parameter)
{
    return bind_parameter(tape, layer, parameter, REGION_PARAMETERS, 0, ACCESS_READ);
}

struct binding tape_parameter_gradient(const struct tape *tape, const struct layer *layer, int parameter, int piece)
{
    return bind_parameter(tape, layer, parameter, REGION_GRADIENTS, tape->geometry.first_copy + piece, ACCESS_WRITE);
}

const struct epilogue *tape_epilogue(const struct tape *tape)
{
    return &tape->epilogue;
}

struct binding tape_step_scalars(const struct tape *tape)
{
    return tape_bind(tape, tape->region_tensors[REGION_STEP], ACCESS_READ);
}

struct binding tape_weights(const struct tape *tape)
{
    return tape_bind(tape, tape->weights_tensor, ACCESS_READ);
}

struct binding tape_metrics(const struct tape *tape)
{
    int loss = 0;
    for (int i = 0; i < tape->layer; i++) {
        loss += tape->graph->layers[i]->type->is_loss ? 1 : 0;
    }
    return tape_bind(tape, tape->metrics_tensor + loss, ACCESS_WRITE);
}

static enum status add_step(struct tape *tape, struct tape_step **step)
{
    TRY(memory_resize((size_t)tape->step_count + 1, sizeof *tape->steps, &tape->steps));
    *step = &tape->steps[tape->step_count++];
    **step = (struct tape_step){.layer = tape->layer, .pass = tape->pass};
    return STATUS_OK;
}

enum status tape_dispatch(struct tape *tape, const struct dispatch *dispatch)
{
    assert(dispatch->binding_count <= DISPATCH_MAX_BINDINGS && dispatch->constant_count <= DISPATCH_MAX_CONSTANTS);
    struct tape_step *step;
    TRY(add_step(tape, &step));
    step->kind = STEP_DISPATCH;
    step->dispatch = *dispatch;
    return STATUS_OK;
}

enum status tape_host_step(struct tape *tape, const struct host_step *host)
{
    struct tape_step *step;
    TRY(add_step(tape, &step));
    step->kind = STEP_HOST;
    step->host = *host;
    return STATUS_OK;
}

void dispatch_groups(struct dispatch *dispatch, uint64_t total)
{
    uint64_t rows = divide_up(total, DISPATCH_MAX_GROUPS);
    dispatch->groups[0] = (uint32_t)(rows > 1 ? divide_up(total, rows) : total);
    dispatch->groups[1] = (uint32_t)(rows > 1 ? rows : 1);
    dispatch->groups[2] = 1;
}

void tape_release(struct tape *tape)
{
    free(tape->tensors);
    free(tape->steps);
    free(tape->value_tensors);
    free(tape->gradient_tensors);
    free(tape->addend_tensors);
    free(tape->saved);
    free(tape->absorbers);
    free(tape->residuals);
    free(tape->contributions);
    *tape = (struct tape){0};
}

static void print_binding(const struct tape *tape, const struct binding *binding, FILE *file)
{
    static const char *const names[] = {
        [ACCESS_READ] = "reads", [ACCESS_WRITE] = "writes", [ACCESS_READ_WRITE] = "updates"};
    fprintf(file, "    %s %s [%" PRIu64 ", +%" PRIu64 "]\n", names[binding->access],
            tape->tensors[binding->tensor].name, binding->offset, binding->size);
}

void tape_print(const struct tape *tape, FILE *file)
{
    for (int i = 0; i < tape->step_count; i++) {
        const struct tape_step *step = &tape->steps[i];
        const char *layer = step->layer >= 0 ? tape->graph->layers[step->layer]->name : "-";
        if (step->kind == STEP_HOST) {
            fprintf(file, "%4d %s: host sum of %" PRId64 " floats over the shards\n", i, layer, step->host.count);
            print_binding(tape, &step->host.input, file);
            print_binding(tape, &step->host.output, file);
            continue;
        }
        const struct dispatch *dispatch = &step->dispatch;
        fprintf(file, "%4d %s: %s (%u x %u x %u groups)\n", i, layer, dispatch->kernel, dispatch->groups[0],
                dispatch->groups[1], dispatch->groups[2]);
        for (int j = 0; j < dispatch->binding_count; j++) {
            print_binding(tape, &dispatch->bindings[j], file);
        }
    }
}
