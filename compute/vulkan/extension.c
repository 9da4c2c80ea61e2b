/* What a device has beside the core of Vulkan. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/vulkan/private.h"

bool device_has_extension(VkPhysicalDevice physical, const char *name)
{
    uint32_t count = 0;
    VkExtensionProperties *extensions = NULL;
    bool found = false;
    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL) != VK_SUCCESS ||
        memory_allocate(count, sizeof *extensions, &extensions) != STATUS_OK ||
        vkEnumerateDeviceExtensionProperties(physical, NULL, &count, extensions) != VK_SUCCESS) {
        free(extensions);
        return false;
    }
    for (uint32_t i = 0; i < count && !found; i++) {
        found = strcmp(extensions[i].extensionName, name) == 0;
    }
    free(extensions);
    return found;
}

bool device_controls_subgroup_size(VkPhysicalDevice physical, uint32_t *least)
{
    if (!device_has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) {
        return false;
    }
    VkPhysicalDeviceSubgroupSizeControlFeatures features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features};
    vkGetPhysicalDeviceFeatures2(physical, &all);
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &sizes};
    vkGetPhysicalDeviceProperties2(physical, &properties);
    *least = sizes.minSubgroupSize;
    return features.subgroupSizeControl && features.computeFullSubgroups &&
           (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
}
