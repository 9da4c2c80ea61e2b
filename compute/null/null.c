#include "compute/null/null.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/engine_private.h"

struct null_engine {
    struct engine engine;
    void *regions[REGION_COUNT];
};

static void null_destroy(struct engine *engine)
{
    struct null_engine *null = (struct null_engine *)engine;
    for (int i = 0; i < REGION_COUNT; i++) {
        free(null->regions[i]);
    }
    free(null);
}

static enum status null_load(struct engine *engine)
{
    struct null_engine *null = (struct null_engine *)engine;
    for (int i = 0; i < REGION_COUNT; i++) {
        if (i != REGION_ARENA) {
            TRY(memory_allocate(engine->region_sizes[i], 1, &null->regions[i]));
        }
    }
    return STATUS_OK;
}

static void *null_host(struct engine *engine, enum region region)
{
    return ((struct null_engine *)engine)->regions[region];
}

static enum status null_copy(struct engine *engine, enum region region, uint64_t offset, uint64_t size)
{
    (void)engine;
    (void)region;
    (void)offset;
    (void)size;
    return STATUS_OK;
}

static enum status null_submit(struct engine *engine, int phase, int first, int count)
{
    (void)engine;
    (void)phase;
    (void)first;
    (void)count;
    return STATUS_OK;
}

static enum status null_wait(struct engine *engine, int phase, int segment, uint32_t wait_us, bool *done)
{
    (void)engine;
    (void)phase;
    (void)segment;
    (void)wait_us;
    *done = true;
    return STATUS_OK;
}

static enum status null_times(struct engine *engine, int phase, double *seconds)
{
    memset(seconds, 0, (size_t)engine->program->phases[phase]->tape.step_count * sizeof *seconds);
    return STATUS_OK;
}

enum status null_create(const struct engine_params *params, struct engine **engine)
{
    static const struct engine_ops ops = {
        .destroy = null_destroy,
        .load = null_load,
        .host = null_host,
        .push = null_copy,
        .pull = null_copy,
        .submit = null_submit,
        .wait = null_wait,
        .times = null_times,
    };
    struct null_engine *null;
    TRY(memory_allocate(1, sizeof *null, &null));
    null->engine.ops = &ops;
    null->engine.device_class = params->device_class < 0 ? CLASS_CPU : (enum device_class)params->device_class;
    struct device_info *device = &null->engine.device;
    snprintf(device->name, sizeof device->name, "null");
    device->type = DEVICE_OTHER;
    device->best_class = CLASS_CPU;
    device->subgroup_size = 8;
    device->fragment = (struct matrix_fragment){.rows = 16, .columns = 16, .depth = 16, .subgroup = 32};
    for (int i = 0; i < CLASS_COUNT; i++) {
        device->classes[i] = true;
    }
    *engine = &null->engine;
    return STATUS_OK;
}
