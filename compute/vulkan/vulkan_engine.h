/* The engine that runs programs on a Vulkan device (1.2 or later). Only this folder includes vulkan.h. */
#ifndef COMPUTE_VULKAN_VULKAN_ENGINE_H
#define COMPUTE_VULKAN_VULKAN_ENGINE_H

#include "compute/engine.h"

/* See engine_list(). */
enum status vulkan_list(struct device_info **devices, int *count) MUST_CHECK;
enum status vulkan_create(const struct engine_params *params, struct engine **engine) MUST_CHECK;

#endif
