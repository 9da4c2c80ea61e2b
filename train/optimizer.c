#include "train/optimizer.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/lower.h"
#include "shaders/step.h"

static const char group_prefix[] = "group ";

/* The first two groups are always there: parameters with two dimensions or more, and the others. */
enum { GROUP_MATRICES, GROUP_VECTORS, GROUP_FIRST_NAMED };

enum update_rule optimizer_rule(const struct optimizer_options *options)
{
    switch ((enum optimizer_type)options->type) {
    case OPTIMIZER_SGD:
        return UPDATE_SGD;
    case OPTIMIZER_ADAM:
        return UPDATE_ADAM;
    case OPTIMIZER_ADAMW:
        break;
    }
    return UPDATE_ADAMW;
}

/* Reads [group ...] sections into groups behind the fixed ones; marks their parameters. */
static enum status read_named_groups(struct session *session, struct config *config, int *group_of)
{
    const char *section;
    for (size_t i = 0; (section = config_section_name(config, group_prefix, i)) != NULL; i++) {
        struct group_options options;
        TRY(config_read(config, section, group_option_table, &options));
        int group = session->group_count;
        if (group == STEP_MAX_GROUPS) {
            config_problem(config, section, NULL, "there are more than %d groups of parameters", STEP_MAX_GROUPS);
            option_release(group_option_table, &options);
            return STATUS_OK;
        }
        session->group_count++;
        session->groups[group] = (struct parameter_group){.learning_rate_scale = options.learning_rate_scale,
                                                          .weight_decay = options.weight_decay};
        int matches = 0;
        const struct graph *graph = &session->model.graph;
        for (int j = 0; j < graph->parameter_count; j++) {
            if (graph->parameters[j].kind == PARAMETER_WEIGHT && options.parameters != NULL &&
                fnmatch(options.parameters, graph->parameters[j].name, 0) == 0) {
                group_of[j] = group;
                matches++;
            }
        }
        /* A layer that failed, which is told, may be the one that is meant. */
        if (matches == 0 && config_problem_count(config) == 0) {
            config_problem(config, section, "parameters", "no parameter's name matches; lemnos explain lists them");
        }
        option_release(group_option_table, &options);
    }
    return STATUS_OK;
}

/* The group of running averages with this momentum. */
static int buffer_group(struct session *session, struct config *config, const struct parameter *parameter)
{
    for (int i = 0; i < session->group_count; i++) {
        if (session->groups[i].is_buffer && session->groups[i].momentum == parameter->momentum) {
            return i;
        }
    }
    if (session->group_count == STEP_MAX_GROUPS) {
        config_problem(config, NULL, NULL,
                       "layers with running statistics use so many different values of momentum that there are more "
                       "than %d groups of parameters",
                       STEP_MAX_GROUPS);
        return 0;
    }
    session->groups[session->group_count] =
        (struct parameter_group){.is_buffer = true, .momentum = parameter->momentum};
    return session->group_count++;
}

static enum status add_table(struct session *session, const int *group_of)
{
    const struct graph *graph = &session->model.graph;
    size_t blocks = (size_t)(session->program.flat_count / PARAMETER_ALIGNMENT);
    uint32_t *table;
    TRY(memory_allocate(blocks, sizeof *session->frozen, &session->frozen));
    TRY(memory_allocate(blocks, sizeof *table, &table));
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        size_t first = (size_t)(parameter->offset / PARAMETER_ALIGNMENT);
        size_t count = (size_t)divide_up((uint64_t)parameter->elements, PARAMETER_ALIGNMENT);
        const struct parameter_group *group = &session->groups[group_of[i]];
        bool frozen = !group->is_buffer && group->learning_rate_scale == 0;
        for (size_t j = first; j < first + count; j++) {
            table[j] = (uint32_t)group_of[i];
            session->frozen[j] = frozen ? 1 : 0;
        }
    }
    enum status status = program_add_constants(&session->program, table, blocks * sizeof *table, &session->group_table);
    free(table);
    return status;
}

enum status optimizer_prepare(struct session *session, struct config *config)
{
    const struct optimizer_options *options = &session->options.optimizer;
    const struct graph *graph = &session->model.graph;
    session->group_count = GROUP_FIRST_NAMED;
    session->groups[GROUP_MATRICES] =
        (struct parameter_group){.learning_rate_scale = 1, .weight_decay = options->weight_decay};
    session->groups[GROUP_VECTORS] =
        (struct parameter_group){.learning_rate_scale = 1, .weight_decay = options->weight_decay_vectors};
    int *group_of;
    TRY(memory_allocate((size_t)graph->parameter_count, sizeof *group_of, &group_of));
    enum status status = STATUS_OK;
    for (int i = 0; i < graph->parameter_count; i++) {
        const struct parameter *parameter = &graph->parameters[i];
        group_of[i] = parameter->rank >= 2 ? GROUP_MATRICES : GROUP_VECTORS;
        if (parameter->kind == PARAMETER_BUFFER) {
            group_of[i] = buffer_group(session, config, parameter);
        }
    }
    TRY_OUT(read_named_groups(session, config, group_of));
    status = add_table(session, group_of);
out:
    free(group_of);
    return status;
}

enum status optimizer_add_phase(struct session *session)
{
    const struct program *program = &session->program;
    struct tape tape;
    TRY(tape_init(&tape, &session->model.graph, engine_class(session->engine), program->flat_count));
    enum status status = STATUS_OK;
    for (int i = 0; i < program->bucket_count && status == STATUS_OK; i++) {
        struct range owned = reduce_share((enum reduce_mode)session->options.cluster.reduce,
                                          (struct range){program->buckets[i].offset, program->buckets[i].count},
                                          comm_rank(session->comm), comm_size(session->comm));
        struct update_params params = {.rule = optimizer_rule(&session->options.optimizer),
                                       .offset = owned.offset,
                                       .count = owned.count,
                                       .group_table = session->group_table};
        if (owned.count > 0) {
            status = update_emit(&tape, &params);
        }
    }
    if (status == STATUS_OK) {
        status = program_add_tape(&session->program, "update", &tape, &session->update_phase);
    }
    tape_release(&tape);
    return status;
}

void optimizer_write_step(struct session *session, int64_t step, double learning_rate, float loss_scale)
{
    const struct optimizer_options *options = &session->options.optimizer;
    uint64_t seed = (uint64_t)session->options.run.seed;
    bool adam = options->type != OPTIMIZER_SGD;
    double done = (double)step + 1;
    struct step_scalars scalars = {
        .step = (uint32_t)step,
        .seed_low = (uint32_t)seed,
        .seed_high = (uint32_t)(seed >> 32),
        .loss_scale = loss_scale,
        .clip_scale = 1.0F,
        .buffer_scale = (float)(1.0 / session->shards),
        .momentum = (float)(adam ? options->beta1 : options->momentum),
        .beta2 = (float)options->beta2,
        .epsilon = (float)options->epsilon,
        .bias_correction1 = (float)(1.0 - pow(options->beta1, done)),
        .bias_correction2 = (float)(1.0 - pow(options->beta2, done)),
        .complement1 = (float)(1.0 - options->beta1),
        .complement2 = (float)(1.0 - options->beta2),
        .nesterov = options->nesterov ? 1 : 0,
    };
    for (int i = 0; i < session->group_count; i++) {
        const struct parameter_group *group = &session->groups[i];
        scalars.groups[i] = (struct update_group){
            .learning_rate = (float)(learning_rate * group->learning_rate_scale),
            .weight_decay = (float)group->weight_decay,
            .momentum = group->momentum,
            .is_buffer = group->is_buffer ? 1 : 0,
        };
    }
    memcpy(engine_host(session->engine, REGION_STEP), &scalars, sizeof scalars);
}

float optimizer_clip(struct session *session, double squared_norm)
{
    double limit = session->options.optimizer.clip_norm;
    struct step_scalars *scalars = engine_host(session->engine, REGION_STEP);
    if (limit > 0) {
        /* As torch.nn.utils.clip_grad_norm_ does, with its 1e-6. */
        double scale = limit / (sqrt(squared_norm) + 1e-6);
        scalars->clip_scale = (float)(scale < 1.0 ? scale : 1.0);
    }
    return scalars->clip_scale;
}
