/* Regions: one buffer each, its twin that the host sees where the device's memory is not the host's, and copies. */
#include "compute/vulkan/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"

static const VkMemoryPropertyFlags host_flags =
    VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

/* The type among `bits` with all `required` flags, and `preferred` ones if possible, in a heap of `size`; -1: none. */
static int find_type(const struct vulkan_engine *engine, uint32_t bits, VkMemoryPropertyFlags required,
                     VkMemoryPropertyFlags preferred, uint64_t size)
{
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(engine->physical, &memory);
    int best = -1;
    bool best_preferred = false;
    for (uint32_t i = 0; i < memory.memoryTypeCount; i++) {
        VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
        bool is_preferred = (flags & preferred) == preferred;
        if ((bits & (1U << i)) == 0 || (flags & required) != required ||
            memory.memoryHeaps[memory.memoryTypes[i].heapIndex].size < size || (best >= 0 && !is_preferred) ||
            best_preferred) {
            continue;
        }
        best = (int)i;
        best_preferred = is_preferred;
    }
    return best;
}

/* Bytes that the host can still hand out, UINT64_MAX where that is unknown. */
static uint64_t host_available(void)
{
    uint64_t available = UINT64_MAX;
    FILE *file = fopen("/proc/meminfo", "r");
    if (file == NULL) {
        return available;
    }
    char line[128];
    while (fgets(line, sizeof line, file) != NULL) {
        uint64_t kibibytes;
        if (sscanf(line, "MemAvailable: %" SCNu64, &kibibytes) == 1) {
            available = kibibytes * 1024;
        }
    }
    fclose(file);
    return available;
}

static uint64_t total_size(const struct vulkan_engine *engine)
{
    uint64_t total = 0;
    for (int i = 0; i < REGION_COUNT; i++) {
        total += engine->engine.region_sizes[i];
    }
    return total;
}

static double mebibytes(uint64_t bytes)
{
    return (double)bytes / 1048576.0;
}

/* Refuses what cannot fit before the driver, or the kernel's killer of processes, does so in worse words. */
static enum status check_sizes(const struct vulkan_engine *engine)
{
    const struct device_info *info = &engine->engine.device;
    for (int i = 0; i < REGION_COUNT; i++) {
        if (engine->engine.region_sizes[i] > info->max_allocation) {
            return fail(STATUS_NO_MEMORY,
                        "the region %s needs %.0f MiB (%" PRIu64 " bytes), %s gives at most %.0f MiB in one piece",
                        region_name((enum region)i), mebibytes(engine->engine.region_sizes[i]),
                        engine->engine.region_sizes[i], info->name, mebibytes(info->max_allocation));
        }
    }
    uint64_t total = total_size(engine);
    uint64_t available = info->type == DEVICE_CPU ? host_available() : info->heap_size;
    if (total > available) {
        return fail(STATUS_NO_MEMORY, "the run needs %.0f MiB (%" PRIu64 " bytes) on %s, where %.0f MiB are available",
                    mebibytes(total), total, info->name, mebibytes(available));
    }
    return STATUS_OK;
}

static enum status make_handle(struct vulkan_engine *engine, uint64_t size, VkBuffer *buffer)
{
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
    };
    return vk_try(vkCreateBuffer(engine->device, &info, NULL, buffer), "making a buffer of %" PRIu64 " bytes", size);
}

/* Asks for large pages, which spare a CPU device misses of its translation cache; a hint that a system may not know. */
static void want_large_pages(void *memory, uint64_t size)
{
#ifdef MADV_HUGEPAGE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + size) / page * page;
    if (begin < end) {
        (void)madvise((unsigned char *)memory + (begin - (uintptr_t)memory), end - begin, MADV_HUGEPAGE);
    }
#else
    (void)memory;
    (void)size;
#endif
}

static enum status make_buffer(struct vulkan_engine *engine, const char *name, uint64_t size,
                               VkMemoryPropertyFlags required, VkMemoryPropertyFlags preferred,
                               struct device_buffer *buffer)
{
    buffer->size = size;
    TRY(make_handle(engine, size, &buffer->buffer));
    validation_name(engine, VK_OBJECT_TYPE_BUFFER, (uint64_t)buffer->buffer, name);
    VkMemoryRequirements requirements;
    vkGetBufferMemoryRequirements(engine->device, buffer->buffer, &requirements);
    int type = find_type(engine, requirements.memoryTypeBits, required, preferred, requirements.size);
    if (type < 0) {
        return fail(STATUS_NO_MEMORY, "%s has no memory that holds %" PRIu64 " bytes for the region %s",
                    engine->engine.device.name, size, name);
    }
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = requirements.size,
        .memoryTypeIndex = (uint32_t)type,
    };
    TRY(vk_try(vkAllocateMemory(engine->device, &info, NULL, &buffer->memory),
               "allocating %" PRIu64 " bytes for the region %s (%" PRIu64 " for all regions, the device has %" PRIu64
               " in all)",
               size, name, total_size(engine), engine->engine.device.heap_size));
    TRY(vk_try(vkBindBufferMemory(engine->device, buffer->buffer, buffer->memory, 0), "binding the region %s", name));
    if ((required & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) == 0) {
        return STATUS_OK;
    }
    TRY(vk_try(vkMapMemory(engine->device, buffer->memory, 0, VK_WHOLE_SIZE, 0, &buffer->host), "mapping the region %s",
               name));
    if (engine->engine.device.type == DEVICE_CPU) {
        want_large_pages(buffer->host, size);
    }
    memset(buffer->host, 0, size); /* and so every page is there from now on */
    return STATUS_OK;
}

static void release_buffer(struct vulkan_engine *engine, struct device_buffer *buffer)
{
    vkDestroyBuffer(engine->device, buffer->buffer, NULL);
    vkFreeMemory(engine->device, buffer->memory, NULL);
}

/* Whether all regions can lie in memory that is the device's and the host's alike. */
static enum status decide_unified(struct vulkan_engine *engine)
{
    int type = engine->engine.device.type;
    engine->unified = false;
    if (engine->staged || (type != DEVICE_CPU && type != DEVICE_INTEGRATED)) {
        return STATUS_OK;
    }
    VkBuffer probe;
    TRY(make_handle(engine, TENSOR_ALIGNMENT, &probe));
    VkMemoryRequirements requirements;
    vkGetBufferMemoryRequirements(engine->device, probe, &requirements);
    vkDestroyBuffer(engine->device, probe, NULL);
    /* The heap of a CPU device is a number without meaning, and holds for one allocation. */
    uint64_t size = type == DEVICE_CPU ? 0 : total_size(engine);
    engine->unified =
        find_type(engine, requirements.memoryTypeBits, host_flags | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, size) >= 0;
    return STATUS_OK;
}

static enum status make_region(struct vulkan_engine *engine, enum region region)
{
    struct region_memory *memory = &engine->regions[region];
    uint64_t size = engine->engine.region_sizes[region];
    const char *name = region_name(region);
    const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    const VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    if (engine->unified) {
        return make_buffer(engine, name, size, host_flags | local, cached, &memory->device);
    }
    if (region == REGION_EXCHANGE || region == REGION_STEP) {
        return make_buffer(engine, name, size, host_flags, cached, &memory->device); /* small: read across the bus */
    }
    TRY(make_buffer(engine, name, size, 0, local, &memory->device));
    if (region != REGION_ARENA) {
        TRY(make_buffer(engine, name, size, host_flags, cached, &memory->staging));
    }
    return STATUS_OK;
}

static enum status zero_device_memory(struct vulkan_engine *engine)
{
    TRY(immediate_begin(engine));
    for (int i = 0; i < REGION_COUNT; i++) {
        const struct device_buffer *buffer = &engine->regions[i].device;
        if (buffer->buffer != VK_NULL_HANDLE && buffer->host == NULL) {
            vkCmdFillBuffer(engine->immediate, buffer->buffer, 0, VK_WHOLE_SIZE, 0);
        }
    }
    return immediate_run(engine, "zeroing the device's memory");
}

enum status memory_make_regions(struct vulkan_engine *engine)
{
    TRY(check_sizes(engine));
    TRY(decide_unified(engine));
    for (int i = 0; i < REGION_COUNT; i++) {
        if (engine->engine.region_sizes[i] > 0) {
            TRY(make_region(engine, (enum region)i));
        }
    }
    return engine->unified ? STATUS_OK : zero_device_memory(engine);
}

void memory_release_regions(struct vulkan_engine *engine)
{
    for (int i = 0; i < REGION_COUNT; i++) {
        release_buffer(engine, &engine->regions[i].device);
        release_buffer(engine, &engine->regions[i].staging);
    }
}

/* All that ran before is done, and its writes are seen. */
static void barrier_all(VkCommandBuffer buffer)
{
    VkMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
    };
    vkCmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &barrier, 0, NULL, 0,
                         NULL);
}

enum status immediate_begin(struct vulkan_engine *engine)
{
    VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    TRY(vk_try(vkBeginCommandBuffer(engine->immediate, &begin), "recording"));
    barrier_all(engine->immediate);
    return STATUS_OK;
}

enum status immediate_run(struct vulkan_engine *engine, const char *doing)
{
    barrier_all(engine->immediate);
    TRY(vk_try(vkEndCommandBuffer(engine->immediate), "%s", doing));
    VkSubmitInfo submit = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &engine->immediate,
    };
    TRY(vk_try(vkQueueSubmit(engine->queue, 1, &submit, engine->immediate_done), "%s", doing));
    TRY(vk_try(vkWaitForFences(engine->device, 1, &engine->immediate_done, VK_TRUE, UINT64_MAX), "%s", doing));
    TRY(vk_try(vkResetFences(engine->device, 1, &engine->immediate_done), "%s", doing));
    return validation_check(&engine->validation);
}

void *memory_host(struct engine *base, enum region region)
{
    struct region_memory *memory = &((struct vulkan_engine *)base)->regions[region];
    return memory->staging.host != NULL ? memory->staging.host : memory->device.host;
}

static enum status copy(struct vulkan_engine *engine, const struct device_buffer *from, const struct device_buffer *to,
                        uint64_t offset, uint64_t size, const char *doing)
{
    VkBufferCopy range = {.srcOffset = offset, .dstOffset = offset, .size = size};
    TRY(immediate_begin(engine));
    vkCmdCopyBuffer(engine->immediate, from->buffer, to->buffer, 1, &range);
    return immediate_run(engine, doing);
}

enum status memory_push(struct engine *base, enum region region, uint64_t offset, uint64_t size)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    const struct region_memory *memory = &engine->regions[region];
    if (memory->staging.host == NULL) {
        return STATUS_OK;
    }
    return copy(engine, &memory->staging, &memory->device, offset, size, "copying to the device");
}

enum status memory_pull(struct engine *base, enum region region, uint64_t offset, uint64_t size)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    const struct region_memory *memory = &engine->regions[region];
    if (memory->staging.host == NULL) {
        return STATUS_OK;
    }
    return copy(engine, &memory->device, &memory->staging, offset, size, "copying from the device");
}
