#include "bench/workload.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cluster/stop.h"
#include "compute/graph/fuse.h"

enum { FEWEST_STEPS = 3, MOST_STEPS = 100000, MOST_WARM_UPS = 5, MOST_PROFILED = 10 };
static const double warm_up_seconds = 1.0;
static const double measured_seconds = 5.0;
static const double profiled_seconds = 2.0;

struct workload {
    const struct workload_params *params;
    struct session *session;
    struct loader *loader;
    int64_t step; /* done so far */
};

static enum status open_workload(const struct workload_params *params, bool timestamps, struct workload *workload)
{
    *workload = (struct workload){.params = params};
    struct session_params session = {
        .comm = params->comm, .config = params->config, .train = true, .timestamps = timestamps};
    TRY(session_create(&session, &workload->session));
    TRY(session_initialise(workload->session));
    return session_create_loader(workload->session, 0, &workload->loader);
}

static void close_workload(struct workload *workload)
{
    loader_destroy(workload->loader);
    session_destroy(workload->session);
}

/* As the trainer takes one; `result`, if not NULL, gets what it cost added. */
static enum status take_step(struct workload *workload, struct workload_result *result, double *seconds)
{
    double started = clock_now();
    const struct batch *batch;
    TRY(loader_next(workload->loader, &batch));
    double loaded = clock_now();
    /* A rate of 0: however long the measurement, the numbers stay ordinary. */
    struct step_result step;
    TRY(step_train(workload->session, batch, workload->step++, 0.0, &step));
    int64_t stop;
    TRY(comm_max(workload->params->comm, stop_requested() ? 1 : 0, &stop));
    *seconds = clock_now() - started;
    if (result != NULL) {
        result->loader += loaded - started;
        result->times.gradients += step.times.gradients;
        result->times.sums += step.times.sums;
        result->times.update += step.times.update;
        result->times.parameters += step.times.parameters;
    }
    return stop != 0 ? fail(STATUS_STOPPED, "stopped by a signal; nothing was measured") : STATUS_OK;
}

/* How many steps of `each` seconds fit into `all`, within bounds: as rank 0 sees it, the same on all ranks. */
static enum status fit_steps(struct comm *comm, double all, double each, int64_t fewest, int64_t most, int64_t *steps)
{
    double fit = all / each;
    *steps = fit > (double)most ? most : fit < (double)fewest ? fewest : (int64_t)fit;
    return comm_broadcast(comm, steps, sizeof *steps, 0);
}

static enum status warm_up(struct workload *workload, double *seconds)
{
    int64_t steps;
    TRY(take_step(workload, NULL, seconds));
    TRY(fit_steps(workload->params->comm, warm_up_seconds, *seconds, 0, MOST_WARM_UPS, &steps));
    for (int64_t i = 0; i < steps; i++) {
        TRY(take_step(workload, NULL, seconds));
    }
    return STATUS_OK;
}

static enum status choose_steps(struct workload *workload, int64_t *steps)
{
    double seconds;
    TRY(warm_up(workload, &seconds));
    *steps = workload->params->steps;
    return *steps > 0 ? STATUS_OK
                      : fit_steps(workload->params->comm, measured_seconds, seconds, FEWEST_STEPS, MOST_STEPS, steps);
}

static enum status take_steps(struct workload *workload, struct workload_result *result)
{
    double *seconds;
    TRY(memory_allocate((size_t)result->steps, sizeof *seconds, &seconds));
    (void)reduce_exposed_seconds(workload->session->reduce);
    double added = reduce_sum_seconds(workload->session->reduce);
    enum status status = STATUS_OK;
    for (int64_t i = 0; i < result->steps; i++) {
        TRY_OUT(take_step(workload, result, &seconds[i]));
    }
    double count = (double)result->steps;
    result->exposed = reduce_exposed_seconds(workload->session->reduce) / count;
    result->adding = (reduce_sum_seconds(workload->session->reduce) - added) / count;
    result->loader /= count;
    result->times.gradients /= count;
    result->times.sums /= count;
    result->times.update /= count;
    result->times.parameters /= count;
    result->step = measure_summary(seconds, (int)result->steps);
out:
    free(seconds);
    return status;
}

static enum status describe(const struct workload *workload, struct workload_result *result)
{
    const struct session *session = workload->session;
    struct comm *comm = workload->params->comm;
    result->ranks = comm_size(comm);
    result->batch = session->options.run.batch;
    snprintf(result->device, sizeof result->device, "%s", engine_device(session->engine)->name);
    result->device_class = engine_class(session->engine);
    memcpy(result->regions, session->program.region_sizes, sizeof result->regions);
    result->device_memory = program_size(&session->program);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t largest;
    TRY(comm_max(comm, usage.ru_maxrss, &largest));
    result->resident = (uint64_t)largest * 1024; /* Linux counts in KiB */
    return STATUS_OK;
}

static enum status measure_rate(const struct workload_params *params, struct workload_result *result)
{
    struct workload workload;
    enum status status = STATUS_OK;
    TRY_OUT(open_workload(params, false, &workload));
    TRY_OUT(choose_steps(&workload, &result->steps));
    TRY_OUT(take_steps(&workload, result));
    TRY_OUT(describe(&workload, result));
out:
    close_workload(&workload);
    return status;
}

/* --- where the device's time goes --------------------------------------------------------------------------------- */

static void name_layer(const struct session *session, const struct tape_step *step, struct workload_layer *layer)
{
    if (step->layer >= 0) {
        const struct layer *of = session->model.graph.layers[step->layer];
        snprintf(layer->name, sizeof layer->name, "%s", of->name);
        snprintf(layer->type, sizeof layer->type, "%s", of->type->name);
    } else {
        snprintf(layer->name, sizeof layer->name, "%s", step->pass == PASS_UPDATE ? "(update)" : "(sums of gradients)");
    }
    layer->pass = step->pass;
}

static enum status add_layer(const struct workload_layer *layer, struct workload_result *result)
{
    TRY(memory_resize((size_t)result->layer_count + 1, sizeof *result->layers, &result->layers));
    result->layers[result->layer_count++] = *layer;
    return STATUS_OK;
}

/* Entries of the layers whose pass is done by that of `absorber`. */
static enum status add_absorbed(const struct tape *tape, int absorber, enum pass pass, struct workload_result *result)
{
    for (int i = 0; i < tape->graph->layer_count; i++) {
        const struct layer *absorbed = tape->graph->layers[i];
        struct workload_layer layer = {.pass = pass};
        if (tape->absorbers[i] != absorber || (pass == PASS_BACKWARD && !fuse_is_derived(tape, absorbed))) {
            continue;
        }
        snprintf(layer.name, sizeof layer.name, "%s", absorbed->name);
        snprintf(layer.type, sizeof layer.type, "%s", absorbed->type->name);
        snprintf(layer.absorber, sizeof layer.absorber, "%s", tape->graph->layers[absorber]->name);
        TRY(add_layer(&layer, result));
    }
    return STATUS_OK;
}

/* The entry of that layer and pass, made where it is new: in the order in which the steps run. */
static enum status find_layer(const struct session *session, const struct tape *tape, const struct tape_step *step,
                              struct workload_result *result, struct workload_layer **found)
{
    struct workload_layer layer = {0};
    name_layer(session, step, &layer);
    for (int i = 0; i < result->layer_count; i++) {
        *found = &result->layers[i];
        if (strcmp((*found)->name, layer.name) == 0 && (*found)->pass == layer.pass) {
            return STATUS_OK;
        }
    }
    int added = result->layer_count;
    TRY(add_layer(&layer, result));
    if (step->layer >= 0) {
        TRY(add_absorbed(tape, step->layer, step->pass, result));
    }
    *found = &result->layers[added];
    return STATUS_OK;
}

static bool in_training(const struct session *session, int phase)
{
    bool found = phase == session->update_phase;
    for (int i = 0; i < session->rounds.count; i++) {
        found = found || phase == session->train_phases[i];
    }
    return found;
}

/* Adds a share of the times of the last step; `first`: dispatches and flops too, which are the same in every step. */
static enum status add_times(const struct session *session, double share, bool first, double *seconds,
                             struct workload_result *result)
{
    for (int phase = 0; phase < session->program.phase_count; phase++) {
        if (!in_training(session, phase)) {
            continue;
        }
        const struct tape *tape = &session->program.phases[phase]->tape;
        TRY(engine_times(session->engine, phase, seconds));
        for (int i = 0; i < tape->step_count; i++) {
            struct workload_layer *layer;
            TRY(find_layer(session, tape, &tape->steps[i], result, &layer));
            layer->seconds += share * seconds[i];
            result->device_seconds += share * seconds[i];
            if (first && tape->steps[i].kind == STEP_DISPATCH) {
                layer->dispatches++;
                layer->flops += tape->steps[i].dispatch.flops;
                result->dispatches++;
            }
        }
    }
    return STATUS_OK;
}

static size_t longest_tape(const struct session *session)
{
    int longest = 0;
    for (int phase = 0; phase < session->program.phase_count; phase++) {
        int count = session->program.phases[phase]->tape.step_count;
        longest = count > longest ? count : longest;
    }
    return (size_t)longest;
}

static enum status measure_layers(const struct workload_params *params, struct workload_result *result)
{
    struct workload workload;
    double *times = NULL;
    double seconds;
    int64_t steps;
    enum status status = STATUS_OK;
    TRY_OUT(open_workload(params, true, &workload));
    TRY_OUT(memory_allocate(longest_tape(workload.session), sizeof *times, &times));
    TRY_OUT(take_step(&workload, NULL, &seconds));
    TRY_OUT(fit_steps(params->comm, profiled_seconds, result->step.best, 1, MOST_PROFILED, &steps));
    for (int64_t i = 0; i < steps; i++) {
        TRY_OUT(take_step(&workload, NULL, &seconds));
        TRY_OUT(add_times(workload.session, 1.0 / (double)steps, i == 0, times, result));
    }
out:
    free(times);
    close_workload(&workload);
    return status;
}

enum status workload_run(const struct workload_params *params, struct workload_result *result)
{
    *result = (struct workload_result){0};
    enum status status = measure_rate(params, result);
    if (status == STATUS_OK) {
        status = measure_layers(params, result);
    }
    if (status != STATUS_OK) {
        workload_release(result);
    }
    return status;
}

void workload_release(struct workload_result *result)
{
    free(result->layers);
    result->layers = NULL;
}
