#include "compute/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine_private.h"
#include "compute/null/null.h"
#include "compute/tuning_file.h"
#include "compute/vulkan/vulkan_engine.h"

enum status engine_list(struct device_info **devices, int *count)
{
    return vulkan_list(devices, count);
}

enum status engine_create(const struct engine_params *params, struct engine **engine)
{
    *engine = NULL;
    struct engine *made = NULL;
    TRY(params->kind == ENGINE_NULL ? null_create(params, &made) : vulkan_create(params, &made));
    made->phase = -1;
    made->tuning = *tuning_default(made->device_class);
    if (params->tuning != NULL) {
        made->tuning = *params->tuning;
    } else if (params->tuned && params->kind == ENGINE_VULKAN) {
        made->tuning = tuning_file_find(&made->device, made->device_class);
    }
    made->kernels = params->kernels != NULL ? params->kernels : kernel_table;
    made->kernel_count = params->kernels != NULL ? params->kernel_count : kernel_table_count;
    enum status status = memory_allocate(made->kernel_count, sizeof *made->interfaces, &made->interfaces);
    if (status == STATUS_OK) {
        status = memory_allocate(made->kernel_count, sizeof *made->reflected, &made->reflected);
    }
    if (status != STATUS_OK) {
        engine_destroy(made);
        return status;
    }
    *engine = made;
    return STATUS_OK;
}

void engine_destroy(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    free(engine->interfaces);
    free(engine->reflected);
    engine->ops->destroy(engine);
}

const struct device_info *engine_device(const struct engine *engine)
{
    return &engine->device;
}

enum device_class engine_class(const struct engine *engine)
{
    return engine->device_class;
}

const struct tuning *engine_tuning(const struct engine *engine)
{
    return &engine->tuning;
}

int engine_lanes(const struct engine *engine)
{
    return (int)engine->device.subgroup_size;
}

enum status engine_load(struct engine *engine, const struct program *program)
{
    if (engine->program != NULL) {
        return fail(STATUS_FAILED, "the engine holds a program already");
    }
    TRY(engine_check(engine, program));
    engine->program = program;
    TRY(engine->ops->load(engine));
    uint64_t size = program->region_sizes[REGION_CONSTANTS];
    if (size > 0) {
        memcpy(engine->ops->host(engine, REGION_CONSTANTS), program->constants, size);
        TRY(engine->ops->push(engine, REGION_CONSTANTS, 0, size));
    }
    return STATUS_OK;
}

void *engine_host(struct engine *engine, enum region region)
{
    return engine->ops->host(engine, region);
}

static enum status check_transfer(const struct engine *engine, enum region region, uint64_t offset, uint64_t size)
{
    if (engine->phase >= 0) {
        return fail(STATUS_FAILED, "the region %s is copied while phase %s runs", region_name(region),
                    engine->program->phases[engine->phase]->name);
    }
    if (region == REGION_ARENA || offset > engine->region_sizes[region] ||
        size > engine->region_sizes[region] - offset) {
        return fail(STATUS_FAILED, "a copy of bytes %llu to %llu of the region %s: the host sees %llu",
                    (unsigned long long)offset, (unsigned long long)(offset + size), region_name(region),
                    (unsigned long long)(region == REGION_ARENA ? 0 : engine->region_sizes[region]));
    }
    return STATUS_OK;
}

enum status engine_push(struct engine *engine, enum region region, uint64_t offset, uint64_t size)
{
    TRY(check_transfer(engine, region, offset, size));
    return size > 0 ? engine->ops->push(engine, region, offset, size) : STATUS_OK;
}

enum status engine_pull(struct engine *engine, enum region region, uint64_t offset, uint64_t size)
{
    TRY(check_transfer(engine, region, offset, size));
    return size > 0 ? engine->ops->pull(engine, region, offset, size) : STATUS_OK;
}

/* Submits from engine->segment up to the next host step, or to the end. */
static enum status submit(struct engine *engine)
{
    const struct plan *plan = &engine->program->phases[engine->phase]->plan;
    int end = engine->segment;
    while (plan->segments[end].end == SEGMENT_BUCKETS) {
        end++;
    }
    return engine->ops->submit(engine, engine->phase, engine->segment, end + 1 - engine->segment);
}

enum status engine_begin(struct engine *engine, int phase)
{
    if (engine->program == NULL || phase < 0 || phase >= engine->program->phase_count) {
        return fail(STATUS_FAILED, "phase %d is begun, which the engine's program does not have", phase);
    }
    if (engine->phase >= 0) {
        return fail(STATUS_FAILED, "phase %s is begun while phase %s runs", engine->program->phases[phase]->name,
                    engine->program->phases[engine->phase]->name);
    }
    engine->phase = phase;
    engine->segment = 0;
    engine->standing = false;
    return submit(engine);
}

static void take_event(struct engine *engine, struct engine_event *event)
{
    const struct phase *phase = engine->program->phases[engine->phase];
    const struct segment *segment = &phase->plan.segments[engine->segment];
    engine->segment++;
    switch (segment->end) {
    case SEGMENT_BUCKETS:
        event->kind = EVENT_BUCKETS;
        event->first_bucket = segment->first_bucket;
        event->bucket_count = segment->bucket_count;
        break;
    case SEGMENT_HOST:
        event->kind = EVENT_HOST;
        event->host = &phase->tape.steps[segment->host_step].host;
        engine->standing = true;
        break;
    case SEGMENT_DONE:
        event->kind = EVENT_DONE;
        engine->phase = -1;
        break;
    }
}

enum status engine_poll(struct engine *engine, uint32_t wait_us, struct engine_event *event)
{
    *event = (struct engine_event){.kind = EVENT_NONE};
    if (engine->phase < 0 || engine->standing) {
        return fail(STATUS_FAILED, "an event is awaited while %s",
                    engine->standing ? "the phase stands at a host step: call engine_continue()" : "no phase runs");
    }
    bool done = false;
    TRY(engine->ops->wait(engine, engine->phase, engine->segment, wait_us, &done));
    if (done) {
        take_event(engine, event);
    }
    return STATUS_OK;
}

enum status engine_continue(struct engine *engine)
{
    if (!engine->standing) {
        return fail(STATUS_FAILED, "engine_continue() without a host step");
    }
    engine->standing = false;
    return submit(engine);
}

void *engine_exchange(struct engine *engine, const struct binding *binding)
{
    const struct plan *plan = &engine->program->phases[engine->phase]->plan;
    unsigned char *host = engine->ops->host(engine, REGION_EXCHANGE);
    return host + plan->offsets[binding->tensor] + binding->offset;
}

enum status engine_times(struct engine *engine, int phase, double *seconds)
{
    return engine->ops->times(engine, phase, seconds);
}
