/* The instance, and what its devices can do. */
#include "compute/vulkan/private.h"
#include "compute/vulkan/vulkan_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/vulkan/cpu_driver/cpu_driver.h"

enum { MIN_GPU_SHARED_MEMORY = 16384, MIN_GPU_INVOCATIONS = 256 };

#define INSTALL_DRIVER                                                                                                 \
    "install the driver of the GPU, or Mesa's driver for CPUs (on Debian: apt install mesa-vulkan-drivers)"

enum status device_make_instance(struct validation *validation, VkInstance *instance)
{
    cpu_driver_prepare();
    shader_cache_place();
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "lemnos",
        .apiVersion = VK_API_VERSION_1_2,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
    };
    struct validation_setup setup;
    if (validation->enabled) {
        TRY(validation_prepare(validation, &setup, &info));
    }
    VkResult result = vkCreateInstance(&info, NULL, instance);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
        return fail(STATUS_NOT_FOUND, "no Vulkan driver is installed: " INSTALL_DRIVER);
    }
    TRY(vk_try(result, "opening Vulkan"));
    return validation->enabled ? validation_begin(validation, *instance, &setup) : STATUS_OK;
}

static void describe_type(VkPhysicalDeviceType type, struct device_info *info)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        info->type = DEVICE_DISCRETE;
        break;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        info->type = DEVICE_INTEGRATED;
        break;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        info->type = DEVICE_VIRTUAL;
        break;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        info->type = DEVICE_CPU;
        break;
    default:
        info->type = DEVICE_OTHER;
        break;
    }
}

static bool has_texel_formats(VkPhysicalDevice physical)
{
    static const VkFormat formats[] = {VK_FORMAT_R32G32B32A32_SFLOAT, VK_FORMAT_R32_SFLOAT, VK_FORMAT_R32_SINT,
                                       VK_FORMAT_R32_UINT};
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        VkFormatProperties properties;
        vkGetPhysicalDeviceFormatProperties(physical, formats[i], &properties);
        if ((properties.bufferFeatures & VK_FORMAT_FEATURE_STORAGE_TEXEL_BUFFER_BIT) == 0) {
            return false;
        }
    }
    return true;
}

/* Which classes of kernels the device can run, and what it lacks if none. */
static void describe_classes(VkInstance instance, VkPhysicalDevice physical, const VkPhysicalDeviceLimits *limits,
                             const VkPhysicalDeviceSubgroupProperties *subgroup, struct device_info *info)
{
    if (!has_texel_formats(physical)) {
        snprintf(info->missing, sizeof info->missing, "storage texel buffers of rgba32f, r32f, r32i and r32ui");
        return;
    }
    bool shuffle = (subgroup->supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0 &&
                   (subgroup->supportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT) != 0;
    VkPhysicalDeviceVulkan12Features features12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features12};
    vkGetPhysicalDeviceFeatures2(physical, &features);
    info->classes[CLASS_CPU] = shuffle && (subgroup->subgroupSize == 8 || subgroup->subgroupSize == 16) &&
                               features.features.shaderInt64 == VK_TRUE &&
                               features12.shaderSubgroupExtendedTypes == VK_TRUE &&
                               features12.storagePushConstant8 == VK_TRUE;
    info->classes[CLASS_GPU] = info->shared_memory >= MIN_GPU_SHARED_MEMORY &&
                               limits->maxComputeWorkGroupInvocations >= MIN_GPU_INVOCATIONS &&
                               limits->maxComputeWorkGroupSize[0] >= MIN_GPU_INVOCATIONS;
    info->fragment = cooperative_matrix_find(instance, physical, info);
    info->classes[CLASS_GPU_MATRIX] = info->classes[CLASS_GPU] && info->fragment.rows != 0;
    bool prefer_cpu = info->type == DEVICE_CPU || !info->classes[CLASS_GPU];
    /* Cooperative matrices where they are asked for: they take three products for one, which not every GPU makes up. */
    info->best_class = prefer_cpu && info->classes[CLASS_CPU] ? CLASS_CPU : CLASS_GPU;
    if (!info->classes[CLASS_CPU] && !info->classes[CLASS_GPU]) {
        snprintf(
            info->missing, sizeof info->missing,
            "subgroups of 8 or 16 invocations with shuffles of integers of 64 bits, and bytes as push constants (class "
            "cpu), or workgroups of %d invocations with %d bytes of shared memory (class gpu)",
            MIN_GPU_INVOCATIONS, MIN_GPU_SHARED_MEMORY);
    }
}

static void describe(VkInstance instance, VkPhysicalDevice physical, struct device_info *info)
{
    VkPhysicalDeviceProperties basic;
    vkGetPhysicalDeviceProperties(physical, &basic);
    snprintf(info->name, sizeof info->name, "%s", basic.deviceName);
    describe_type(basic.deviceType, info);
    info->api_version = basic.apiVersion;
    info->vendor_id = basic.vendorID;
    info->device_id = basic.deviceID;
    info->driver_version = basic.driverVersion;
    _Static_assert((int)DEVICE_ID_SIZE == (int)VK_UUID_SIZE, "a driver's build is told by a UUID");
    memcpy(info->driver_build, basic.pipelineCacheUUID, sizeof info->driver_build);
    info->max_storage_range = basic.limits.maxStorageBufferRange;
    info->shared_memory = basic.limits.maxComputeSharedMemorySize;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    for (uint32_t i = 0; i < memory.memoryHeapCount; i++) {
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0 &&
            memory.memoryHeaps[i].size > info->heap_size) {
            info->heap_size = memory.memoryHeaps[i].size;
        }
    }
    if (basic.apiVersion < VK_API_VERSION_1_2) {
        snprintf(info->missing, sizeof info->missing, "Vulkan 1.2 (its driver has %u.%u)",
                 VK_API_VERSION_MAJOR(basic.apiVersion), VK_API_VERSION_MINOR(basic.apiVersion));
        return;
    }
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties allocation = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES,
                                               .pNext = &allocation};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                              .pNext = &driver};
    vkGetPhysicalDeviceProperties2(physical, &properties);
    snprintf(info->driver, sizeof info->driver, "%.127s %.120s", driver.driverName, driver.driverInfo);
    info->max_allocation = allocation.maxMemoryAllocationSize;
    info->subgroup_size = subgroup.subgroupSize;
    describe_classes(instance, physical, &basic.limits, &subgroup, info);
}

static enum status get_handles(VkInstance instance, VkPhysicalDevice **physical, uint32_t *count)
{
    TRY(vk_try(vkEnumeratePhysicalDevices(instance, count, NULL), "counting the Vulkan devices"));
    if (*count == 0) {
        return fail(STATUS_NOT_FOUND, "there is no Vulkan device: " INSTALL_DRIVER);
    }
    TRY(memory_allocate(*count, sizeof **physical, physical));
    return vk_try(vkEnumeratePhysicalDevices(instance, count, *physical), "listing the Vulkan devices");
}

/* In order of type, devices of one type in the driver's order. */
static int order(const struct device_info *info)
{
    switch (info->type) {
    case DEVICE_DISCRETE:
        return 0;
    case DEVICE_INTEGRATED:
        return 1;
    case DEVICE_VIRTUAL:
        return 2;
    case DEVICE_OTHER:
        return 3;
    case DEVICE_CPU:
        return 4;
    }
    return 5;
}

enum status device_enumerate(VkInstance instance, VkPhysicalDevice **physical, struct device_info **infos, int *count)
{
    VkPhysicalDevice *handles = NULL;
    *physical = NULL;
    *infos = NULL;
    *count = 0;
    uint32_t found = 0;
    enum status status;
    TRY_OUT(get_handles(instance, &handles, &found));
    TRY_OUT(memory_allocate(found, sizeof **infos, infos));
    TRY_OUT(memory_allocate(found, sizeof **physical, physical));
    for (uint32_t i = 0; i < found; i++) {
        struct device_info info = {0};
        describe(instance, handles[i], &info);
        int place = (int)i;
        for (; place > 0 && order(&(*infos)[place - 1]) > order(&info); place--) {
            (*infos)[place] = (*infos)[place - 1];
            (*physical)[place] = (*physical)[place - 1];
        }
        (*infos)[place] = info;
        (*physical)[place] = handles[i];
    }
    for (uint32_t i = 0; i < found; i++) {
        (*infos)[i].index = (int)i;
    }
    *count = (int)found;
out:
    free(handles);
    if (status != STATUS_OK) {
        free(*physical);
        free(*infos);
        *physical = NULL;
        *infos = NULL;
    }
    return status;
}

enum status vulkan_list(struct device_info **devices, int *count)
{
    *devices = NULL;
    *count = 0;
    struct validation silent = {0};
    VkInstance instance = VK_NULL_HANDLE;
    TRY(device_make_instance(&silent, &instance));
    VkPhysicalDevice *physical;
    enum status status = device_enumerate(instance, &physical, devices, count);
    free(physical);
    vkDestroyInstance(instance, NULL);
    return status;
}
