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
