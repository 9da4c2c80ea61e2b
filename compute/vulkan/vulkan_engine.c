#include "compute/vulkan/vulkan_engine.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "compute/vulkan/private.h"

static void vulkan_destroy(struct engine *base)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    if (engine->device != VK_NULL_HANDLE) {
        vkDeviceWaitIdle(engine->device); /* a lost device has nothing to wait for */
        replay_release(engine);
        record_release(engine);
        descriptors_release(engine);
        kernels_release(engine);
        memory_release_regions(engine);
    }
    device_close(engine);
    text_release(&engine->validation.messages);
    pthread_mutex_destroy(&engine->validation.lock);
    free(engine);
}

static enum status vulkan_load(struct engine *base)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    const struct program *program = base->program;
    TRY(memory_make_regions(engine));
    TRY(memory_allocate((size_t)program->phase_count, sizeof *engine->phases, &engine->phases));
    for (int p = 0; p < program->phase_count; p++) {
        TRY(memory_allocate((size_t)program->phases[p]->tape.step_count, sizeof *engine->phases[p].steps,
                            &engine->phases[p].steps));
    }
    double began = clock_now();
    TRY(kernels_make(engine));
    double made = clock_now();
    TRY(descriptors_make(engine));
    TRY(record_warm_up(engine));
    log_debug("%d kernels: %.2f s in the driver's front end, %.2f s to compile them or to find them in its cache",
              engine->pipeline_count, made - began, clock_now() - made);
    TRY(record_phases(engine));
    TRY(replay_make(engine));
    return validation_check(&engine->validation);
}

enum status vulkan_create(const struct engine_params *params, struct engine **engine)
{
    static const struct engine_ops ops = {
        .destroy = vulkan_destroy,
        .load = vulkan_load,
        .host = memory_host,
        .push = memory_push,
        .pull = memory_pull,
        .submit = replay_submit,
        .wait = replay_wait,
        .times = profile_times,
    };
    struct vulkan_engine *made;
    TRY(memory_allocate(1, sizeof *made, &made));
    made->engine.ops = &ops;
    made->staged = params->staged;
    made->timestamps = params->timestamps;
    made->local_rank = params->local_rank;
    made->local_size = params->local_size;
    made->validation.enabled = params->validation;
    pthread_mutex_init(&made->validation.lock, NULL);
    enum status status = device_open(made, params);
    if (status != STATUS_OK) {
        vulkan_destroy(&made->engine);
        return status;
    }
    *engine = &made->engine;
    return STATUS_OK;
}
