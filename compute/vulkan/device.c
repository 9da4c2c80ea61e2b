/* Opening the device that a rank takes. */
#include "compute/vulkan/private.h"

#include <stdlib.h>

#include "base/memory.h"
#include "compute/device_choice.h"

static enum status choose_class(struct vulkan_engine *engine, const struct engine_params *params)
{
    const struct device_info *info = &engine->engine.device;
    if (params->device_class < 0) {
        engine->engine.device_class = info->best_class;
        return STATUS_OK;
    }
    if (params->device_class >= CLASS_COUNT || !info->classes[params->device_class]) {
        return fail(STATUS_BAD_INPUT, "%s cannot run the kernels that device.class asks for: see lemnos devices",
                    info->name);
    }
    engine->engine.device_class = (enum device_class)params->device_class;
    return STATUS_OK;
}

static enum status find_queue_family(struct vulkan_engine *engine)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = COUNT_OF(families);
    vkGetPhysicalDeviceQueueFamilyProperties(engine->physical, &count, families);
    for (uint32_t i = 0; i < count; i++) {
        if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) {
            engine->queue_family = i;
            if (engine->timestamps && families[i].timestampValidBits == 0) {
                return fail(STATUS_BAD_INPUT, "%s has no timestamps: its dispatches cannot be timed",
                            engine->engine.device.name);
            }
            return STATUS_OK;
        }
    }
    return fail(STATUS_FAILED, "%s has no compute queue", engine->engine.device.name);
}

/* Makes the device with the features that kernels rely on. */
static enum status make_device(struct vulkan_engine *engine)
{
    const char *extensions[3];
    uint32_t extension_count = 0;
    void *next = NULL;
    VkPhysicalDeviceRobustness2FeaturesEXT robustness = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT};
    struct cooperative_matrix_features matrices = {0};
    VkPhysicalDeviceSubgroupSizeControlFeatures size_control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    if (device_has_extension(engine->physical, VK_EXT_ROBUSTNESS_2_EXTENSION_NAME)) {
        extensions[extension_count++] = VK_EXT_ROBUSTNESS_2_EXTENSION_NAME;
        robustness.pNext = next;
        next = &robustness;
    }
    bool matrix = engine->engine.device_class == CLASS_GPU_MATRIX;
    if (matrix) {
        extensions[extension_count++] = COOPERATIVE_MATRIX_EXTENSION;
        matrices = cooperative_matrix_features(next);
        next = &matrices;
        uint32_t least;
        engine->subgroup_size_control = device_controls_subgroup_size(engine->physical, &least);
        if (engine->subgroup_size_control) {
            extensions[extension_count++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
            size_control.pNext = next;
            next = &size_control;
        }
    }
    VkPhysicalDeviceVulkan12Features wanted = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                               .pNext = next};
    VkPhysicalDeviceFeatures2 present = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &wanted};
    vkGetPhysicalDeviceFeatures2(engine->physical, &present);
    /* Of the many features of the core only these; of the extensions above all but one, which costs. */
    bool cpu = engine->engine.device_class == CLASS_CPU;
    matrices.robust_buffer_access = VK_FALSE; /* matrices lie in shared memory */
    wanted = (VkPhysicalDeviceVulkan12Features){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = next,
        .timelineSemaphore = VK_TRUE,
        .storagePushConstant8 = cpu,
        .shaderFloat16 = matrix,
        .vulkanMemoryModel = matrix,
        .shaderSubgroupExtendedTypes = cpu,
    };
    present.features = (VkPhysicalDeviceFeatures){.robustBufferAccess = VK_TRUE, .shaderInt64 = cpu};
    const float priority = 1.0F;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = engine->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &present,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = extension_count,
        .ppEnabledExtensionNames = extensions,
    };
    TRY(vk_try(vkCreateDevice(engine->physical, &info, NULL, &engine->device), "opening %s",
               engine->engine.device.name));
    vkGetDeviceQueue(engine->device, engine->queue_family, 0, &engine->queue);
    return STATUS_OK;
}

static enum status make_commands(struct vulkan_engine *engine)
{
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = engine->queue_family,
    };
    TRY(vk_try(vkCreateCommandPool(engine->device, &pool, NULL, &engine->pool), "making a command pool"));
    VkCommandBufferAllocateInfo buffer = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = engine->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    TRY(vk_try(vkAllocateCommandBuffers(engine->device, &buffer, &engine->immediate), "making a command buffer"));
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    return vk_try(vkCreateFence(engine->device, &fence, NULL, &engine->immediate_done), "making a fence");
}

enum status device_open(struct vulkan_engine *engine, const struct engine_params *params)
{
    TRY(device_make_instance(&engine->validation, &engine->instance));
    VkPhysicalDevice *physical;
    struct device_info *infos;
    int count, choice = 0;
    TRY(device_enumerate(engine->instance, &physical, &infos, &count));
    enum status status = device_choose(params, infos, count, &choice);
    if (status == STATUS_OK) {
        engine->engine.device = infos[choice];
        engine->physical = physical[choice];
    }
    free(physical);
    free(infos);
    TRY(status);
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(engine->physical, &properties);
    engine->limits = properties.limits;
    TRY(choose_class(engine, params));
    TRY(find_queue_family(engine));
    TRY(make_device(engine));
    TRY(make_commands(engine));
    return validation_check(&engine->validation);
}

void device_close(struct vulkan_engine *engine)
{
    if (engine->device != VK_NULL_HANDLE) {
        vkDestroyFence(engine->device, engine->immediate_done, NULL);
        vkDestroyCommandPool(engine->device, engine->pool, NULL);
        vkDestroyDevice(engine->device, NULL);
    }
    validation_end(&engine->validation, engine->instance);
    if (engine->instance != VK_NULL_HANDLE) {
        vkDestroyInstance(engine->instance, NULL);
    }
}
