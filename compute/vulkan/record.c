/* Phases as command buffers, recorded once: one for each segment, or several where a watchdog might strike. */
#include "compute/vulkan/private.h"

#include <stdlib.h>

#include "base/memory.h"

/* Dispatches a submission on a GPU, whose driver may end one that takes seconds. A CPU has no such watchdog. */
enum { GPU_SUBMISSION_STEPS = 128 };

struct recorder {
    struct vulkan_engine *engine;
    const struct phase *phase;
    struct vulkan_phase *recorded;
    VkCommandBuffer buffer;
};

static void barrier(VkCommandBuffer buffer, VkPipelineStageFlags from, VkAccessFlags writes, VkPipelineStageFlags to,
                    VkAccessFlags uses)
{
    VkMemoryBarrier info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = writes,
        .dstAccessMask = uses,
    };
    vkCmdPipelineBarrier(buffer, from, to, 0, 1, &info, 0, NULL, 0, NULL);
}

/* Between everything before and everything behind it, copies and kernels alike. */
static void barrier_device(VkCommandBuffer buffer)
{
    const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    barrier(buffer, stages, VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT, stages,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                VK_ACCESS_TRANSFER_WRITE_BIT);
}

static void barrier_kernels(VkCommandBuffer buffer)
{
    barrier(buffer, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
}

static void barrier_host(VkCommandBuffer buffer)
{
    barrier(buffer, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
            VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
            VK_ACCESS_HOST_READ_BIT);
}

static void copy(const struct recorder *recorder, const struct device_buffer *from, const struct device_buffer *to,
                 uint64_t offset, uint64_t size)
{
    if (size > 0) {
        VkBufferCopy range = {.srcOffset = offset, .dstOffset = offset, .size = size};
        vkCmdCopyBuffer(recorder->buffer, from->buffer, to->buffer, 1, &range);
    }
}

/* What the host wrote before the phase. */
static void copy_input(const struct recorder *recorder)
{
    const struct region_memory *memory = &recorder->engine->regions[REGION_INPUT];
    if (memory->staging.host != NULL) {
        copy(recorder, &memory->staging, &memory->device, 0, memory->device.size);
    }
}

/* The buckets' part of every copy of the gradients that this phase writes. */
static void copy_buckets(const struct recorder *recorder, const struct segment *segment)
{
    const struct region_memory *memory = &recorder->engine->regions[REGION_GRADIENTS];
    if (memory->staging.host == NULL) {
        return;
    }
    const struct program *program = recorder->engine->engine.program;
    const struct geometry *geometry = &recorder->phase->tape.geometry;
    barrier_device(recorder->buffer);
    for (int bucket = segment->first_bucket; bucket < segment->first_bucket + segment->bucket_count; bucket++) {
        const struct bucket_range *range = &program->buckets[bucket];
        for (int piece = 0; piece < geometry->piece_count; piece++) {
            int64_t first = (geometry->first_copy + piece) * program->flat_count + range->offset;
            copy(recorder, &memory->device, &memory->staging, (uint64_t)first * sizeof(float),
                 (uint64_t)range->count * sizeof(float));
        }
    }
}

static void copy_output(const struct recorder *recorder)
{
    const struct region_memory *memory = &recorder->engine->regions[REGION_OUTPUT];
    if (memory->staging.host != NULL) {
        barrier_device(recorder->buffer);
        copy(recorder, &memory->device, &memory->staging, 0, memory->device.size);
    }
}

static void bind(VkCommandBuffer buffer, const struct dispatch *dispatch, const struct vulkan_step *step)
{
    vkCmdBindPipeline(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, step->pipeline);
    if (step->set != VK_NULL_HANDLE) {
        vkCmdBindDescriptorSets(buffer, VK_PIPELINE_BIND_POINT_COMPUTE, step->layout, 0, 1, &step->set, 0, NULL);
    }
    if (dispatch->push_size > 0) {
        vkCmdPushConstants(buffer, step->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, dispatch->push_size, dispatch->push);
    }
    if (step->digits) {
        static const uint8_t digits[KERNEL_DIGITS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
        vkCmdPushConstants(buffer, step->layout, VK_SHADER_STAGE_COMPUTE_BIT, dispatch->push_size, sizeof digits,
                           digits);
    }
}

static void record_step(const struct recorder *recorder, int index)
{
    const struct dispatch *dispatch = &recorder->phase->tape.steps[index].dispatch;
    bool timed = recorder->engine->timestamps;
    if (recorder->phase->plan.barriers[index] || timed) {
        barrier_kernels(recorder->buffer);
    }
    bind(recorder->buffer, dispatch, &recorder->recorded->steps[index]);
    if (timed) {
        profile_mark(recorder->recorded, recorder->buffer, index, false);
    }
    vkCmdDispatch(recorder->buffer, dispatch->groups[0], dispatch->groups[1], dispatch->groups[2]);
    if (timed) {
        profile_mark(recorder->recorded, recorder->buffer, index, true);
    }
}

static enum status begin_buffer(struct recorder *recorder, int buffer)
{
    recorder->buffer = recorder->recorded->buffers[buffer];
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    return vk_try(vkBeginCommandBuffer(recorder->buffer, &begin), "recording phase %s", recorder->phase->name);
}

static enum status end_buffer(const struct recorder *recorder)
{
    return vk_try(vkEndCommandBuffer(recorder->buffer), "recording phase %s", recorder->phase->name);
}

static void end_segment(const struct recorder *recorder, const struct segment *segment)
{
    if (segment->end == SEGMENT_BUCKETS) {
        copy_buckets(recorder, segment);
    } else if (segment->end == SEGMENT_DONE) {
        copy_output(recorder);
    }
    barrier_host(recorder->buffer);
}

static int buffer_steps(const struct vulkan_engine *engine)
{
    return engine->engine.device.type == DEVICE_CPU ? INT32_MAX : GPU_SUBMISSION_STEPS;
}

static enum status record_segment(struct recorder *recorder, int index)
{
    const struct segment *segment = &recorder->phase->plan.segments[index];
    int buffer = recorder->recorded->segments[index].first_buffer;
    int limit = buffer_steps(recorder->engine);
    TRY(begin_buffer(recorder, buffer));
    if (index == 0) {
        barrier_device(recorder->buffer); /* against the phases before */
        copy_input(recorder);
        if (!recorder->engine->unified) {
            barrier_device(recorder->buffer);
        }
    }
    if (recorder->engine->timestamps) {
        profile_reset(recorder->recorded, recorder->buffer, segment);
    }
    for (int i = 0; i < segment->step_count; i++) {
        if (i > 0 && i % limit == 0) {
            TRY(end_buffer(recorder));
            TRY(begin_buffer(recorder, ++buffer));
        }
        record_step(recorder, segment->first_step + i);
    }
    end_segment(recorder, segment);
    return end_buffer(recorder);
}

static enum status make_buffers(struct vulkan_engine *engine, const struct phase *phase, struct vulkan_phase *recorded)
{
    int count = phase->plan.segment_count;
    int limit = buffer_steps(engine);
    TRY(memory_allocate((size_t)count, sizeof *recorded->segments, &recorded->segments));
    for (int i = 0; i < count; i++) {
        int steps = phase->plan.segments[i].step_count;
        recorded->segments[i].first_buffer = recorded->buffer_count;
        recorded->segments[i].buffer_count = steps <= limit ? 1 : (steps + limit - 1) / limit;
        recorded->buffer_count += recorded->segments[i].buffer_count;
    }
    TRY(memory_allocate((size_t)recorded->buffer_count, sizeof *recorded->buffers, &recorded->buffers));
    VkCommandBufferAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = engine->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = (uint32_t)recorded->buffer_count,
    };
    return vk_try(vkAllocateCommandBuffers(engine->device, &info, recorded->buffers),
                  "making command buffers for phase %s", phase->name);
}

enum status record_phases(struct vulkan_engine *engine)
{
    const struct program *program = engine->engine.program;
    for (int p = 0; p < program->phase_count; p++) {
        struct recorder recorder = {
            .engine = engine,
            .phase = program->phases[p],
            .recorded = &engine->phases[p],
        };
        TRY(make_buffers(engine, recorder.phase, recorder.recorded));
        if (engine->timestamps) {
            TRY(profile_make(engine, p));
        }
        for (int i = 0; i < recorder.phase->plan.segment_count; i++) {
            TRY(record_segment(&recorder, i));
        }
    }
    return STATUS_OK;
}

/* A dispatch that makes a driver compile what it has put off, and does nothing. */
static void record_empty(struct vulkan_engine *engine, int phase, int step)
{
    const struct dispatch *dispatch = &engine->engine.program->phases[phase]->tape.steps[step].dispatch;
    barrier_kernels(engine->immediate); /* no workgroups, no hazards; but validation counts them */
    bind(engine->immediate, dispatch, &engine->phases[phase].steps[step]);
    vkCmdDispatch(engine->immediate, 0, 0, 0);
}

/* Every dispatch whose number among all of them lies in [first, end). */
static void record_empties(struct vulkan_engine *engine, int first, int end)
{
    const struct program *program = engine->engine.program;
    int number = 0;
    for (int p = 0; p < program->phase_count; p++) {
        const struct tape *tape = &program->phases[p]->tape;
        for (int s = 0; s < tape->step_count; s++) {
            if (tape->steps[s].kind == STEP_DISPATCH) {
                if (number >= first && number < end) {
                    record_empty(engine, p, s);
                }
                number++;
            }
        }
    }
}

/* How many dispatches stand ahead of the first one of the engine's pipeline number `pipeline`. */
static int dispatches_before(const struct vulkan_engine *engine, int pipeline)
{
    const struct program *program = engine->engine.program;
    int number = 0;
    for (int p = 0; p < program->phase_count; p++) {
        const struct tape *tape = &program->phases[p]->tape;
        for (int s = 0; s < tape->step_count; s++) {
            if (engine->phases[p].steps[s].pipeline == engine->pipelines[pipeline].pipeline) {
                return number;
            }
            number += tape->steps[s].kind == STEP_DISPATCH ? 1 : 0;
        }
    }
    return number;
}

/*
 * The ranks of a host begin at different kernels and go round: what one has compiled, the others find in the driver's
 * cache, where it keeps one on disk.
 */
enum status record_warm_up(struct vulkan_engine *engine)
{
    int first = 0;
    if (engine->local_size > 1 && engine->pipeline_count > 0) {
        int rank = engine->local_rank % engine->local_size;
        first = dispatches_before(engine, (int)((int64_t)engine->pipeline_count * rank / engine->local_size));
    }
    TRY(immediate_begin(engine));
    record_empties(engine, first, INT32_MAX);
    record_empties(engine, 0, first);
    return immediate_run(engine, "compiling the kernels");
}

void record_release(struct vulkan_engine *engine)
{
    for (int p = 0; engine->phases != NULL && p < engine->engine.program->phase_count; p++) {
        struct vulkan_phase *phase = &engine->phases[p];
        vkDestroyQueryPool(engine->device, phase->queries, NULL);
        free(phase->steps);
        free(phase->segments);
        free(phase->buffers); /* the command buffers go with their pool */
    }
    free(engine->phases);
}
