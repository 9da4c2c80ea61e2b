/* The validation layers, with synchronization validation: any message of theirs becomes a failure. */
#include "compute/vulkan/private.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"

#define LAYER "VK_LAYER_KHRONOS_validation"

static VKAPI_ATTR VkBool32 VKAPI_CALL hear(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                           VkDebugUtilsMessageTypeFlagsEXT types,
                                           const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    (void)severity;
    (void)types;
    struct validation *validation = user;
    pthread_mutex_lock(&validation->lock);
    validation->message_count++;
    /* Out of memory, the count alone tells that there was something. */
    enum status status =
        text_add(&validation->messages, "%s%s", validation->messages.length > 0 ? "\n" : "", data->pMessage);
    (void)status;
    pthread_mutex_unlock(&validation->lock);
    return VK_FALSE;
}

static enum status find_layer(void)
{
    VkLayerProperties layers[64];
    uint32_t count = COUNT_OF(layers);
    VkResult result = vkEnumerateInstanceLayerProperties(&count, layers);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE) {
        return vk_try(result, "listing the Vulkan layers");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(layers[i].layerName, LAYER) == 0) {
            return STATUS_OK;
        }
    }
    return fail(STATUS_BAD_INPUT, "validation was asked for, but " LAYER " is not installed (on Debian: apt install "
                                  "vulkan-validationlayers)");
}

enum status validation_prepare(struct validation *validation, struct validation_setup *setup,
                               VkInstanceCreateInfo *info)
{
    TRY(find_layer());
    *setup = (struct validation_setup){
        .messenger =
            {
                .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
                .messageSeverity =
                    VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
                /* Not GENERAL: there the loader speaks of drivers that have nothing to do with this run. */
                .messageType =
                    VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
                .pfnUserCallback = hear,
                .pUserData = validation,
            },
        .enabled = {VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT},
        .layer = LAYER,
        .extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME,
    };
    setup->features = (VkValidationFeaturesEXT){
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &setup->messenger,
        .enabledValidationFeatureCount = COUNT_OF(setup->enabled),
        .pEnabledValidationFeatures = setup->enabled,
    };
    info->pNext = &setup->features;
    info->enabledLayerCount = 1;
    info->ppEnabledLayerNames = &setup->layer;
    info->enabledExtensionCount = 1;
    info->ppEnabledExtensionNames = &setup->extension;
    return STATUS_OK;
}

/* Through void *, since C has no cast between function types that -Wcast-function-type likes. */
static void *instance_function(VkInstance instance, const char *name)
{
    PFN_vkVoidFunction function = vkGetInstanceProcAddr(instance, name);
    void *pointer;
    memcpy(&pointer, &function, sizeof pointer);
    return pointer;
}

enum status validation_begin(struct validation *validation, VkInstance instance, const struct validation_setup *setup)
{
    PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT)instance_function(instance, "vkCreateDebugUtilsMessengerEXT");
    VkDebugUtilsMessengerCreateInfoEXT info = setup->messenger;
    return vk_try(create(instance, &info, NULL, &validation->messenger), "listening to the validation layers");
}

enum status validation_check(struct validation *validation)
{
    if (!validation->enabled) {
        return STATUS_OK;
    }
    enum status status = STATUS_OK;
    pthread_mutex_lock(&validation->lock);
    if (validation->message_count > 0) {
        status = fail(STATUS_FAILED, "%d message%s of the Vulkan validation layers:\n%s", validation->message_count,
                      validation->message_count > 1 ? "s" : "", text_get(&validation->messages));
        text_release(&validation->messages);
        validation->message_count = 0;
    }
    pthread_mutex_unlock(&validation->lock);
    return status;
}

void validation_end(struct validation *validation, VkInstance instance)
{
    if (!validation->enabled) {
        return;
    }
    /* What came after the last call that could fail with it: while objects were destroyed. */
    if (validation_check(validation) != STATUS_OK) {
        log_error("%s", status_message());
    }
    if (validation->messenger != VK_NULL_HANDLE) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy =
            (PFN_vkDestroyDebugUtilsMessengerEXT)instance_function(instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(instance, validation->messenger, NULL);
        validation->messenger = VK_NULL_HANDLE;
    }
}

void validation_name(struct vulkan_engine *engine, VkObjectType type, uint64_t handle, const char *name)
{
    if (!engine->validation.enabled) {
        return;
    }
    PFN_vkSetDebugUtilsObjectNameEXT set =
        (PFN_vkSetDebugUtilsObjectNameEXT)instance_function(engine->instance, "vkSetDebugUtilsObjectNameEXT");
    VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };
    if (set(engine->device, &info) != VK_SUCCESS) {
        log_debug("the name %s was refused", name); /* only messages would show it */
    }
}
