#include "compute/vulkan/private.h"

#include <stdarg.h>
#include <stdio.h>

static const char *result_name(VkResult result)
{
#define NAME(value)                                                                                                    \
    case value:                                                                                                        \
        return #value
    switch (result) {
        NAME(VK_NOT_READY);
        NAME(VK_TIMEOUT);
        NAME(VK_INCOMPLETE);
        NAME(VK_ERROR_OUT_OF_HOST_MEMORY);
        NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY);
        NAME(VK_ERROR_INITIALIZATION_FAILED);
        NAME(VK_ERROR_DEVICE_LOST);
        NAME(VK_ERROR_MEMORY_MAP_FAILED);
        NAME(VK_ERROR_LAYER_NOT_PRESENT);
        NAME(VK_ERROR_EXTENSION_NOT_PRESENT);
        NAME(VK_ERROR_FEATURE_NOT_PRESENT);
        NAME(VK_ERROR_INCOMPATIBLE_DRIVER);
        NAME(VK_ERROR_TOO_MANY_OBJECTS);
        NAME(VK_ERROR_FORMAT_NOT_SUPPORTED);
        NAME(VK_ERROR_FRAGMENTED_POOL);
        NAME(VK_ERROR_UNKNOWN);
        NAME(VK_ERROR_OUT_OF_POOL_MEMORY);
        NAME(VK_ERROR_FRAGMENTATION);
        NAME(VK_ERROR_INVALID_SHADER_NV);
    default:
        return "an unknown VkResult";
    }
#undef NAME
}

enum status vulkan_status(VkResult result, const char *file, int line, const char *format, ...)
{
    if (result == VK_SUCCESS) {
        return STATUS_OK;
    }
    char doing[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(doing, sizeof doing, format, arguments);
    va_end(arguments);
    enum status status = STATUS_FAILED;
    const char *hint = "";
    if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY) {
        status = STATUS_NO_MEMORY;
        hint = "; a smaller run.batch or more ranks need less memory a rank";
    } else if (result == VK_ERROR_DEVICE_LOST) {
        hint = ": the driver gave the device up (a hang, a watchdog, or a device that was removed; see the kernel's "
               "log); continue from the last checkpoint";
    }
    return status_record(status, file, line, "%s: %s (%d)%s", doing, result_name(result), (int)result, hint);
}
