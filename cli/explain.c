/* lemnos explain: what a config would run, from the plan alone; no device is opened. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/subject.h"
#include "train/session.h"

static const char *const region_titles[REGION_COUNT] = {
    [REGION_ARENA] = "activations and their gradients",
    [REGION_PARAMETERS] = "parameters",
    [REGION_GRADIENTS] = "gradients of parameters",
    [REGION_OPTIMIZER] = "state of the optimiser",
    [REGION_INPUT] = "the batch",
    [REGION_OUTPUT] = "predictions and metrics",
    [REGION_EXCHANGE] = "sums over the batch inside layers",
    [REGION_STEP] = "scalars of a step",
    [REGION_CONSTANTS] = "tables",
};

/* "1.25 M": three digits. */
static const char *short_number(double value, char text[32])
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P"};
    size_t unit = 0;
    while (value >= 999.5 && unit + 1 < COUNT_OF(units)) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 32, "%.3g%s", value, units[unit]);
    return text;
}

static const char *short_size(double bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 10240 && unit + 1 < COUNT_OF(units)) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, 32, "%.0f %s", bytes, units[unit]);
    return text;
}

static int64_t layer_parameters(const struct layer *layer)
{
    int64_t total = 0;
    for (int i = 0; i < layer->parameter_count; i++) {
        const struct parameter *parameter = &layer->graph->parameters[layer->parameters[i]];
        total += parameter->kind == PARAMETER_WEIGHT ? parameter_count(parameter) : 0;
    }
    return total;
}

/* Floating point operations a sample of one layer, or (layer < 0) of all; of the training rounds of this rank. */
static double flops(const struct session *session, int layer)
{
    double total = 0;
    for (int round = 0; round < session->rounds.count; round++) {
        const struct tape *tape = &session->program.phases[session->train_phases[round]]->tape;
        for (int i = 0; i < tape->step_count; i++) {
            const struct tape_step *step = &tape->steps[i];
            if (step->kind == STEP_DISPATCH && (layer < 0 || step->layer == layer)) {
                total += step->dispatch.flops;
            }
        }
    }
    return total / (double)(session->shard_samples * session->shard_count);
}

/* Memory of a layer's outputs; or, where its work is done by another layer's forward kernels, which one's. */
static const char *describe_activations(const struct session *session, const struct layer *layer, char text[64])
{
    const struct graph *graph = &session->model.graph;
    int absorber = session->program.phases[session->train_phases[0]]->tape.absorbers[layer->index];
    int64_t bytes = 0;
    for (int i = 0; i < layer->output_count; i++) {
        const struct value *value = &graph->values[layer->outputs[i]];
        bytes += shape_elements(value->shape, value->dtype) * 4;
    }
    if (absorber >= 0) {
        snprintf(text, 64, "in %s", graph->layers[absorber]->name);
        return text;
    }
    return short_size((double)bytes, text);
}

static void print_layers(const struct session *session)
{
    const struct graph *graph = &session->model.graph;
    char shape[SHAPE_TEXT_SIZE];
    char number[32];
    char activations[64];
    printf("%-16s %-22s %-14s %12s %14s %14s\n", "layer", "type", "output", "parameters", "FLOPs", "activations");
    printf("%-16s %-22s %-14s %12s %14s %14s\n", "", "", "", "", "a sample", "a sample");
    for (int i = 0; i < session->model.input_count; i++) {
        const struct value *value = &graph->values[session->model.inputs[i]];
        printf("%-16s %-22s %-14s\n", value->name, "(data)", shape_format(value->shape, shape));
    }
    for (int i = 0; i < graph->layer_count; i++) {
        const struct layer *layer = graph->layers[i];
        shape[0] = '\0';
        if (layer->output_count > 0) {
            shape_format(layer_output_shape(layer, 0), shape);
        }
        printf("%-16s %-22s %-14s %12" PRId64 " %14s %14s\n", layer->name, layer->type->name, shape,
               layer_parameters(layer), short_number(flops(session, layer->index), number),
               describe_activations(session, layer, activations));
    }
}

static void count_steps(const struct session *session, int *dispatches, int *host_steps)
{
    *dispatches = 0;
    *host_steps = 0;
    for (int i = 0; i < session->program.phase_count; i++) {
        const struct tape *tape = &session->program.phases[i]->tape;
        for (int j = 0; tape->mode == TAPE_TRAIN && j < tape->step_count; j++) {
            *(tape->steps[j].kind == STEP_DISPATCH ? dispatches : host_steps) += 1;
        }
    }
}

static void print_totals(const struct session *session, struct comm *comm)
{
    const struct run_options *run = &session->options.run;
    char text[2][32];
    int dispatches;
    int host_steps;
    count_steps(session, &dispatches, &host_steps);
    double a_sample = flops(session, -1);
    int64_t epoch_steps = session->dataset->count[SPLIT_TRAIN] / run->batch;
    printf("\n%-28s %" PRId64 " training, %" PRId64 " test\n", "samples", session->dataset->count[SPLIT_TRAIN],
           session->dataset->count[SPLIT_TEST]);
    printf("%-28s %" PRId64 " steps an epoch, %" PRId64 " in all\n", "steps", epoch_steps,
           run->steps > 0 ? run->steps : run->epochs * epoch_steps);
    printf("%-28s %" PRId64 "\n", "trainable parameters", graph_parameter_total(&session->model.graph));
    printf("%-28s %s a sample, %s a step (all ranks)\n", "FLOPs, both passes", short_number(a_sample, text[0]),
           short_number(a_sample * (double)run->batch, text[1]));
    printf("%-28s %" PRId64 " samples in %d shards of %" PRId64 "\n", "batch", run->batch, session->shards,
           session->shard_samples);
    printf("%-28s %d; this plan is of rank %d, with %d shards in %d round%s\n", "ranks", comm_size(comm),
           comm_rank(comm), session->shard_count, session->rounds.count, session->rounds.count > 1 ? "s" : "");
    printf("%-28s %d", "kernel launches a step", dispatches);
    if (host_steps > 0) {
        printf(", and %d sums over all ranks on the way", host_steps);
    }
    printf("\n%-28s %d of gradients, %.3g MiB at most\n", "buckets", session->program.bucket_count,
           session->options.cluster.bucket_megabytes);
}

static void print_memory(const struct session *session)
{
    char text[32];
    printf("\n%-36s %14s\n", "device memory of a rank", "");
    for (int i = 0; i < REGION_COUNT; i++) {
        uint64_t size = session->program.region_sizes[i];
        if (size > 0) {
            printf("  %-34s %14s\n", region_titles[i], short_size((double)size, text));
        }
    }
    printf("  %-34s %14s\n", "together", short_size((double)program_size(&session->program), text));
}

static enum status explain_run(const struct arguments *arguments, struct comm *none)
{
    (void)none;
    struct config *config = NULL;
    struct comm *comm = NULL;
    struct session *session = NULL;
    enum status status = STATUS_OK;
    int64_t ranks;
    TRY_OUT(arguments_number(arguments, "ranks", 1, 1 << 20, 1, &ranks));
    /* The last rank has floor(shards / ranks) shards and the remainder, if any: none has more. */
    TRY_OUT(comm_create_stand_in((int)ranks - 1, (int)ranks, &comm));
    TRY_OUT(subject_load_config(arguments, &config));
    struct session_params params = {.comm = comm, .config = config, .train = true, .plan_only = true};
    TRY_OUT(session_create(&params, &session));
    print_layers(session);
    print_totals(session, comm);
    print_memory(session);
out:
    session_destroy(session);
    config_destroy(config);
    comm_destroy(comm);
    return status;
}

static const struct flag flags[] = {
    {"ranks", "N", "plan for N ranks, and show the one that has most to do"},
    {.name = NULL},
};

const struct command command_explain = {
    .name = "explain",
    .help = "print the plan of a config: layers, shapes, FLOPs, memory",
    .usage = "CONFIG [section.key=value ...] [--ranks N]",
    .details =
        "Makes the plan that training would run and prints it: every layer with its output, parameters and\n"
        "floating point operations (forward and backward together), and the memory that a rank needs on its\n"
        "device. \"in NAME\": while training, the forward kernel of layer NAME does this layer's work and writes its "
        "output\n"
        "instead of its own. Nothing runs, and no device is needed. Class cpu unless device.class says otherwise.",
    .flags = flags,
    .least_words = 1,
    .most_words = 1,
    .takes_overrides = true,
    .run = explain_run,
};
