/* Submitting recorded segments and waiting for them, on one timeline that every segment moves on by one. */
#include "compute/vulkan/private.h"

#include <stdlib.h>

#include "base/memory.h"

enum status replay_make(struct vulkan_engine *engine)
{
    int most = 1;
    for (int p = 0; p < engine->engine.program->phase_count; p++) {
        if (engine->phases[p].buffer_count > most) {
            most = engine->phases[p].buffer_count;
        }
    }
    TRY(memory_allocate((size_t)most, sizeof *engine->submissions, &engine->submissions));
    TRY(memory_allocate((size_t)most, sizeof *engine->submission_values, &engine->submission_values));
    VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
    return vk_try(vkCreateSemaphore(engine->device, &info, NULL, &engine->timeline), "making a timeline semaphore");
}

void replay_release(struct vulkan_engine *engine)
{
    vkDestroySemaphore(engine->device, engine->timeline, NULL);
    free(engine->submissions);
    free(engine->submission_values);
}

enum status replay_submit(struct engine *base, int phase, int first, int count)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    struct vulkan_phase *recorded = &engine->phases[phase];
    TRY(validation_check(&engine->validation));
    uint32_t submission = 0;
    for (int s = first; s < first + count; s++) {
        struct vulkan_segment *segment = &recorded->segments[s];
        segment->value = ++engine->submitted;
        for (int i = 0; i < segment->buffer_count; i++, submission++) {
            bool last = i == segment->buffer_count - 1;
            engine->submission_values[submission] = (VkTimelineSemaphoreSubmitInfo){
                .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                .signalSemaphoreValueCount = last ? 1 : 0,
                .pSignalSemaphoreValues = &segment->value,
            };
            engine->submissions[submission] = (VkSubmitInfo){
                .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                .pNext = &engine->submission_values[submission],
                .commandBufferCount = 1,
                .pCommandBuffers = &recorded->buffers[segment->first_buffer + i],
                .signalSemaphoreCount = last ? 1 : 0,
                .pSignalSemaphores = &engine->timeline,
            };
        }
    }
    return vk_try(vkQueueSubmit(engine->queue, submission, engine->submissions, VK_NULL_HANDLE), "submitting phase %s",
                  base->program->phases[phase]->name);
}

enum status replay_wait(struct engine *base, int phase, int segment, uint32_t wait_us, bool *done)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &engine->timeline,
        .pValues = &engine->phases[phase].segments[segment].value,
    };
    VkResult result = vkWaitSemaphores(engine->device, &info, (uint64_t)wait_us * 1000);
    *done = result == VK_SUCCESS;
    if (result != VK_TIMEOUT) {
        TRY(vk_try(result, "waiting for phase %s", base->program->phases[phase]->name));
    }
    return validation_check(&engine->validation);
}
