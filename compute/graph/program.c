#include "compute/graph/program.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/memory.h"
#include "base/text.h"
#include "compute/graph/layer.h"
#include "compute/graph/lower.h"
#include "shaders/step.h"

/* Gives every parameter of `kind` its place behind *end: the last layer's gradients are ready first. */
static void place_parameters(struct graph *graph, enum parameter_kind kind, int64_t *end)
{
    for (int i = graph->layer_count - 1; i >= 0; i--) {
        const struct layer *layer = graph->layers[i];
        for (int j = 0; j < layer->parameter_count; j++) {
            struct parameter *parameter = &graph->parameters[layer->parameters[j]];
            if (parameter->kind == kind) {
                parameter->offset = *end;
                *end += round_up_count(parameter->elements, PARAMETER_ALIGNMENT);
            }
        }
    }
    *end = round_up_count(*end, PROGRAM_BLOCK);
}

static enum status cut_buckets(struct program *program, int64_t bucket_floats)
{
    int64_t size = round_up_count(bucket_floats > 0 ? bucket_floats : 1, PROGRAM_BLOCK);
    /* Full buckets but the last, so that all are equally worth a message. */
    int64_t count = divide_up_count(program->flat_count, size);
    TRY(memory_allocate((size_t)count, sizeof *program->buckets, &program->buckets));
    for (int64_t offset = 0; offset < program->flat_count; offset += size) {
        int64_t left = program->flat_count - offset;
        program->buckets[program->bucket_count++] =
            (struct bucket_range){.offset = offset, .count = left < size ? left : size};
    }
    return STATUS_OK;
}

enum status program_init(struct program *program, struct graph *graph, int64_t bucket_floats)
{
    *program = (struct program){.graph = graph};
    int64_t end = 0;
    place_parameters(graph, PARAMETER_WEIGHT, &end);
    program->norm_count = end;
    place_parameters(graph, PARAMETER_BUFFER, &end);
    program->flat_count = end > 0 ? end : PROGRAM_BLOCK;
    uint64_t size = (uint64_t)program->flat_count * sizeof(float);
    program->region_sizes[REGION_PARAMETERS] = size;
    program->region_sizes[REGION_STEP] = round_up(sizeof(struct step_scalars), TENSOR_ALIGNMENT);
    return cut_buckets(program, bucket_floats);
}

void program_release(struct program *program)
{
    for (int i = 0; i < program->phase_count; i++) {
        tape_release(&program->phases[i]->tape);
        plan_release(&program->phases[i]->plan);
        free(program->phases[i]);
    }
    free(program->buckets);
    free(program->constants);
    *program = (struct program){0};
}

void program_reserve(struct program *program, int copies, int slots)
{
    uint64_t size = (uint64_t)program->flat_count * sizeof(float);
    program->region_sizes[REGION_GRADIENTS] = size * (uint64_t)copies;
    program->region_sizes[REGION_OPTIMIZER] = size * (uint64_t)slots;
}

enum status program_add_constants(struct program *program, const void *data, size_t size, uint64_t *offset)
{
    *offset = program->region_sizes[REGION_CONSTANTS];
    uint64_t end = *offset + round_up(size, TENSOR_ALIGNMENT);
    TRY(memory_resize(end, 1, &program->constants));
    memset(program->constants + *offset, 0, end - *offset);
    memcpy(program->constants + *offset, data, size);
    program->region_sizes[REGION_CONSTANTS] = end;
    return STATUS_OK;
}

static enum status finish_phase(struct program *program, struct phase *phase, bool with_buckets)
{
    TRY(plan_create(&phase->tape, with_buckets ? program->buckets : NULL, with_buckets ? program->bucket_count : 0,
                    &phase->plan));
    for (int region = 0; region < REGION_COUNT; region++) {
        uint64_t size = region == REGION_ARENA ? phase->plan.arena_size : phase->tape.region_sizes[region];
        if (size > program->region_sizes[region]) {
            program->region_sizes[region] = size;
        }
    }
    return STATUS_OK;
}

static enum status new_phase(struct program *program, const char *name, struct phase **phase, int *number)
{
    if (program->phase_count == PROGRAM_MAX_PHASES) {
        return fail(STATUS_BAD_INPUT, "the run needs more than %d phases; a smaller run.accumulate needs fewer",
                    PROGRAM_MAX_PHASES);
    }
    TRY(memory_allocate(1, sizeof **phase, phase));
    snprintf((*phase)->name, sizeof(*phase)->name, "%s", name);
    *number = program->phase_count;
    program->phases[program->phase_count++] = *phase;
    return STATUS_OK;
}

enum status program_add_phase(struct program *program, const char *name, const struct lower_params *params,
                              bool with_buckets, int *number)
{
    struct phase *phase;
    TRY(new_phase(program, name, &phase, number));
    TRY(lower(params, &phase->tape));
    return finish_phase(program, phase, with_buckets);
}

enum status program_add_tape(struct program *program, const char *name, struct tape *tape, int *number)
{
    struct phase *phase;
    TRY(new_phase(program, name, &phase, number));
    phase->tape = *tape;
    *tape = (struct tape){0};
    return finish_phase(program, phase, false);
}

static enum status describe(const struct program *program, struct text *text)
{
    const struct graph *graph = program->graph;
    char shape[SHAPE_TEXT_SIZE];
    for (int i = 0; i < graph->value_count; i++) {
        const struct value *value = &graph->values[i];
        TRY(text_add(text, "value %s %s by %d\n", value->name, shape_format(value->shape, shape), value->producer));
    }
    for (int i = 0; i < graph->layer_count; i++) {
        const struct layer *layer = graph->layers[i];
        TRY(text_add(text, "layer %s %s", layer->name, layer->type->name));
        for (const struct option *option = layer->type->options; option != NULL && option->name != NULL; option++) {
            char value[256];
            TRY(option_format(option, layer->options, value, sizeof value));
            TRY(text_add(text, " %s=%s", option->name, value));
        }
        for (int j = 0; j < layer->input_count; j++) {
            TRY(text_add(text, " <%d", layer->inputs[j]));
        }
        TRY(text_add(text, "\n"));
    }
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        TRY(text_add(text, "parameter %s %d at %" PRId64 " of %" PRId64 "\n", parameter->name, (int)parameter->kind,
                     parameter->offset, parameter->elements));
    }
    for (int i = 0; i < program->bucket_count; i++) {
        TRY(text_add(text, "bucket %" PRId64 "\n", program->buckets[i].count));
    }
    return STATUS_OK;
}

enum status program_digest(const struct program *program, uint8_t result[32])
{
    struct text text = {0};
    enum status status = describe(program, &text);
    if (status == STATUS_OK) {
        status = digest_of(text_get(&text), text.length, result);
    }
    text_release(&text);
    return status;
}

uint64_t program_size(const struct program *program)
{
    uint64_t size = 0;
    for (int region = 0; region < REGION_COUNT; region++) {
        size += program->region_sizes[region];
    }
    return size;
}
