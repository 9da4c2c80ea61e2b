/* Checks that a program is fit to run: so that no engine has to, and a plan is known to be good without a device. */
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "compute/engine_private.h"

const char *region_name(enum region region)
{
    static const char *const names[REGION_COUNT] = {
        [REGION_ARENA] = "arena (activations and scratch)",
        [REGION_PARAMETERS] = "parameters",
        [REGION_GRADIENTS] = "gradients",
        [REGION_OPTIMIZER] = "optimizer",
        [REGION_INPUT] = "input",
        [REGION_OUTPUT] = "output",
        [REGION_EXCHANGE] = "exchange",
        [REGION_STEP] = "step",
        [REGION_CONSTANTS] = "constants",
    };
    return names[region];
}

enum status engine_kernel(struct engine *engine, const char *name, int *kernel)
{
    const struct kernel_code *code = kernel_find_in(engine->kernels, engine->kernel_count, name);
    if (engine->device_class == CLASS_CPU) {
        char own[64];
        snprintf(own, sizeof own, "%s_cpu", name);
        const struct kernel_code *found = kernel_find_in(engine->kernels, engine->kernel_count, own);
        code = found != NULL ? found : code;
    }
    if (code == NULL) {
        return fail(STATUS_NOT_FOUND,
                    "there is no kernel %s: it would be made from shaders/%s.comp or %s_cpu.comp (a file new to an old "
                    "build folder is seen after meson setup --reconfigure)",
                    name, name, name);
    }
    *kernel = (int)(code - engine->kernels);
    if (!engine->reflected[*kernel]) {
        TRY(kernel_reflect(code, &engine->interfaces[*kernel]));
        engine->reflected[*kernel] = true;
    }
    return STATUS_OK;
}

static enum status check_binding(const struct engine *engine, const struct phase *phase, const struct binding *binding,
                                 const char *who)
{
    if (binding->tensor < 0 || binding->tensor >= phase->tape.tensor_count) {
        return fail(STATUS_FAILED, "%s: a binding of tensor %d, the tape has %d", who, binding->tensor,
                    phase->tape.tensor_count);
    }
    const struct tensor *tensor = &phase->tape.tensors[binding->tensor];
    if (binding->offset > tensor->size || binding->size > tensor->size - binding->offset) {
        return fail(STATUS_FAILED, "%s: bytes %llu to %llu of tensor %s, which has %llu", who,
                    (unsigned long long)binding->offset, (unsigned long long)(binding->offset + binding->size),
                    tensor->name, (unsigned long long)tensor->size);
    }
    /* A tensor over a whole region does not know its size: what counts is what is bound. */
    uint64_t begin = phase->plan.offsets[binding->tensor] + binding->offset;
    uint64_t size = engine->region_sizes[tensor->region];
    if (begin > size || binding->size > size - begin) {
        return fail(STATUS_FAILED, "%s: bytes %llu to %llu (tensor %s) of the region %s, which has %llu", who,
                    (unsigned long long)begin, (unsigned long long)(begin + binding->size), tensor->name,
                    region_name(tensor->region), (unsigned long long)size);
    }
    if (begin % TENSOR_ALIGNMENT != 0) {
        return fail(STATUS_FAILED, "%s: tensor %s, byte %llu does not lie at a multiple of %d bytes in its region", who,
                    tensor->name, (unsigned long long)binding->offset, TENSOR_ALIGNMENT);
    }
    return STATUS_OK;
}

static enum status check_host_step(const struct engine *engine, const struct phase *phase, const struct host_step *host)
{
    const struct binding *bindings[2] = {&host->input, &host->output};
    for (int i = 0; i < 2; i++) {
        TRY(check_binding(engine, phase, bindings[i], "a host step"));
        if (phase->tape.tensors[bindings[i]->tensor].region != REGION_EXCHANGE) {
            return fail(STATUS_FAILED, "a host step uses tensor %s outside the exchange region",
                        phase->tape.tensors[bindings[i]->tensor].name);
        }
    }
    return STATUS_OK;
}

static enum status check_step(struct engine *engine, const struct phase *phase, const struct tape_step *step)
{
    if (step->kind == STEP_HOST) {
        return check_host_step(engine, phase, &step->host);
    }
    const struct dispatch *dispatch = &step->dispatch;
    int kernel;
    TRY(engine_kernel(engine, dispatch->kernel, &kernel));
    TRY(kernel_check(dispatch, &engine->interfaces[kernel]));
    for (int i = 0; i < dispatch->binding_count; i++) {
        TRY(check_binding(engine, phase, &dispatch->bindings[i], dispatch->kernel));
    }
    return STATUS_OK;
}

/* Every step stands in one segment or is the host step at one's end, in order. */
static enum status check_segments(const struct phase *phase)
{
    int step = 0;
    for (int i = 0; i < phase->plan.segment_count; i++) {
        const struct segment *segment = &phase->plan.segments[i];
        bool last = i == phase->plan.segment_count - 1;
        if (segment->first_step != step || (segment->end == SEGMENT_DONE) != last) {
            return fail(STATUS_FAILED,
                        "segment %d begins at step %d instead of %d, or ends the phase too early or late", i,
                        segment->first_step, step);
        }
        step += segment->step_count;
        if (segment->end == SEGMENT_HOST) {
            if (segment->host_step != step || step >= phase->tape.step_count ||
                phase->tape.steps[step].kind != STEP_HOST) {
                return fail(STATUS_FAILED, "segment %d ends at the host step %d, which is none or not the next step", i,
                            segment->host_step);
            }
            step++;
        }
    }
    if (step != phase->tape.step_count || phase->plan.segment_count == 0) {
        return fail(STATUS_FAILED, "the segments hold %d steps, the tape has %d", step, phase->tape.step_count);
    }
    return STATUS_OK;
}

static enum status check_phase(struct engine *engine, const struct phase *phase)
{
    TRY(check_segments(phase));
    for (int i = 0; i < phase->tape.step_count; i++) {
        enum status status = check_step(engine, phase, &phase->tape.steps[i]);
        if (status != STATUS_OK) {
            return fail_context(status, "step %d: ", i);
        }
    }
    for (int i = 0; i < phase->plan.segment_count; i++) {
        const struct segment *segment = &phase->plan.segments[i];
        for (int s = segment->first_step; s < segment->first_step + segment->step_count; s++) {
            if (phase->tape.steps[s].kind != STEP_DISPATCH) {
                return fail(STATUS_FAILED, "the host step %d lies inside of segment %d", s, i);
            }
        }
    }
    return STATUS_OK;
}

enum status engine_check(struct engine *engine, const struct program *program)
{
    for (int i = 0; i < REGION_COUNT; i++) {
        engine->region_sizes[i] = round_up(program->region_sizes[i], TENSOR_ALIGNMENT);
    }
    for (int i = 0; i < program->phase_count; i++) {
        uint64_t arena = round_up(program->phases[i]->plan.arena_size, TENSOR_ALIGNMENT);
        if (arena > engine->region_sizes[REGION_ARENA]) {
            engine->region_sizes[REGION_ARENA] = arena;
        }
    }
    for (int i = 0; i < program->phase_count; i++) {
        enum status status = check_phase(engine, program->phases[i]);
        if (status != STATUS_OK) {
            return fail_context(status, "phase %s: ", program->phases[i]->name);
        }
    }
    return STATUS_OK;
}
