/* The time of every dispatch, from timestamps around it; barriers keep neighbours out (record.c). */
#include "compute/vulkan/private.h"

enum status profile_make(struct vulkan_engine *engine, int phase)
{
    const struct tape *tape = &engine->engine.program->phases[phase]->tape;
    if (tape->step_count == 0) {
        return STATUS_OK;
    }
    VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = 2 * (uint32_t)tape->step_count,
    };
    return vk_try(vkCreateQueryPool(engine->device, &info, NULL, &engine->phases[phase].queries),
                  "making timestamps for phase %s", engine->engine.program->phases[phase]->name);
}

void profile_reset(const struct vulkan_phase *phase, VkCommandBuffer buffer, const struct segment *segment)
{
    if (segment->step_count > 0) {
        vkCmdResetQueryPool(buffer, phase->queries, 2 * (uint32_t)segment->first_step,
                            2 * (uint32_t)segment->step_count);
    }
}

void profile_mark(const struct vulkan_phase *phase, VkCommandBuffer buffer, int step, bool behind)
{
    vkCmdWriteTimestamp(buffer, behind ? VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT : VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                        phase->queries, 2 * (uint32_t)step + (behind ? 1 : 0));
}

enum status profile_times(struct engine *base, int phase, double *seconds)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    const struct tape *tape = &base->program->phases[phase]->tape;
    if (!engine->timestamps) {
        return fail(STATUS_FAILED, "the times of dispatches are asked for, but timestamps were not");
    }
    for (int i = 0; i < tape->step_count; i++) {
        seconds[i] = 0;
        if (tape->steps[i].kind != STEP_DISPATCH) {
            continue;
        }
        uint64_t marks[2];
        TRY(vk_try(vkGetQueryPoolResults(engine->device, engine->phases[phase].queries, 2 * (uint32_t)i, 2,
                                         sizeof marks, marks, sizeof marks[0], VK_QUERY_RESULT_64_BIT),
                   "reading the time of step %d (the phase must have run)", i));
        seconds[i] = (double)(marks[1] - marks[0]) * (double)engine->limits.timestampPeriod * 1e-9;
    }
    return validation_check(&engine->validation);
}
