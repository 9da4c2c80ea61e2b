/* The update of parameters, as training runs it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "bench/alone.h"
#include "bench/kernels.h"
#include "compute/kernels/update.h"
#include "shaders/step.h"

static const char *const rules[UPDATE_RULE_COUNT] = {
    [UPDATE_SGD] = "sgd", [UPDATE_ADAM] = "adam", [UPDATE_ADAMW] = "adamw"};

static enum status emit(struct alone *alone, struct tape *tape, void *context)
{
    struct update_params *params = context;
    size_t entries = (size_t)(params->count / UPDATE_GROUP_FLOATS);
    uint32_t *table;
    TRY(memory_allocate(entries, sizeof *table, &table)); /* all in the first group */
    enum status status = program_add_constants(&alone->program, table, entries * sizeof *table, &params->group_table);
    free(table);
    TRY(status);
    return update_emit(tape, params);
}

/* Those of a first step, with a rate that lets the numbers live. */
static void write_scalars(const struct alone *alone)
{
    struct step_scalars scalars = {.loss_scale = 1.0F,
                                   .clip_scale = 1.0F,
                                   .buffer_scale = 1.0F,
                                   .momentum = 0.9F,
                                   .beta2 = 0.999F,
                                   .epsilon = 1e-8F,
                                   .bias_correction1 = 0.1F,
                                   .bias_correction2 = 1e-3F,
                                   .complement1 = 0.1F,
                                   .complement2 = 1e-3F,
                                   .groups = {{.learning_rate = 1e-3F, .weight_decay = 1e-2F}}};
    memcpy(engine_host(alone->engine, REGION_STEP), &scalars, sizeof scalars);
}

static enum status fill(const struct alone *alone)
{
    static const enum region regions[] = {REGION_PARAMETERS, REGION_GRADIENTS};
    for (size_t i = 0; i < COUNT_OF(regions); i++) {
        float *values = engine_host(alone->engine, regions[i]);
        for (int64_t j = 0; j < alone->program.flat_count; j++) {
            values[j] = (float)(j % 17 - 8) / 16.0F;
        }
        TRY(engine_push(alone->engine, regions[i], 0, (uint64_t)alone->program.flat_count * sizeof(float)));
    }
    return STATUS_OK;
}

static enum status measure(struct alone *alone, const struct update_params *update, int rounds, struct bench_part *part)
{
    const struct tape *tape = &alone->program.phases[0]->tape;
    int *parts;
    TRY(memory_allocate((size_t)tape->step_count, sizeof *parts, &parts)); /* one part, number 0 */
    enum status status = measure_phase(alone->engine, &alone->program, 0, rounds, parts, 1, &part->measured);
    free(parts);
    part->dispatches = tape->step_count;
    for (int i = 0; i < tape->step_count; i++) {
        part->flops += tape->steps[i].dispatch.flops;
    }
    /* Gradients are read; parameters and slots are read and written. */
    part->bytes = (double)(update->count * (int64_t)sizeof(float)) * (3 + 2 * update_slot_count(update->rule));
    return status;
}

enum status bench_measure_update(const struct bench_kernels_params *params, struct bench_result *result)
{
    int rule = 0;
    while (rule < UPDATE_RULE_COUNT && strcmp(rules[rule], result->of->layer) != 0) {
        rule++;
    }
    if (rule == UPDATE_RULE_COUNT) {
        result->missing = result->of->layer;
        return STATUS_OK;
    }
    int64_t count = params->tiny ? PROGRAM_BLOCK : shape_count(result->of->inputs[0]);
    struct update_params update = {.rule = (enum update_rule)rule, .count = count};
    struct alone_params made = {.engine = &params->engine,
                                .parameters = count,
                                .slots = update_slot_count(update.rule),
                                .emit = emit,
                                .context = &update};
    struct alone alone;
    TRY(alone_init(&alone, &made));
    write_scalars(&alone);
    enum status status = fill(&alone);
    if (status == STATUS_OK) {
        result->parts[0] = (struct bench_part){.name = "update"};
        result->part_count = 1;
        status = measure(&alone, &update, params->rounds, &result->parts[0]);
    }
    alone_release(&alone);
    return status;
}
