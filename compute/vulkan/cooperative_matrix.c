/*
 * Products of matrices as VK_KHR_cooperative_matrix offers them. The headers of Debian 12 are older than that
 * extension, so what is needed of it is declared here.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "compute/vulkan/private.h"
#include "shaders/matmul_gpu.h"

enum { FEATURES_TYPE = 1000506000, PROPERTIES_TYPE = 1000506001 };
enum { COMPONENT_FLOAT16 = 0, COMPONENT_FLOAT32 = 1, SCOPE_SUBGROUP = 3 };

/* VkCooperativeMatrixPropertiesKHR: rows x depth A by depth x columns B, added to C. */
struct properties {
    VkStructureType type;
    void *next;
    uint32_t rows, columns, depth;
    int32_t type_a, type_b, type_c, type_result; /* VkComponentTypeKHR */
    VkBool32 saturates;
    int32_t scope; /* VkScopeKHR */
};
typedef VkResult(VKAPI_PTR *get_properties)(VkPhysicalDevice physical, uint32_t *count, struct properties *properties);

struct cooperative_matrix_features cooperative_matrix_features(void *next)
{
    return (struct cooperative_matrix_features){.type = (VkStructureType)FEATURES_TYPE, .next = next};
}

static bool has_features(VkPhysicalDevice physical)
{
    struct cooperative_matrix_features matrices = cooperative_matrix_features(NULL);
    VkPhysicalDeviceVulkan12Features features12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
                                                   .pNext = &matrices};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &features12};
    vkGetPhysicalDeviceFeatures2(physical, &features);
    return matrices.cooperative_matrix && features12.shaderFloat16 && features12.vulkanMemoryModel;
}

/* Whether every tile of tuning.h divides evenly into such fragments, and into shared memory. */
static bool suits_tiles(const struct matrix_fragment *fragment, uint32_t shared_memory)
{
    if (fragment->subgroup == 0 || MATMUL_GPU_INVOCATIONS % fragment->subgroup != 0) {
        return false;
    }
    uint32_t subgroups = MATMUL_GPU_INVOCATIONS / fragment->subgroup;
    uint32_t size = fragment->rows * fragment->columns;
    bool divides = 64 % fragment->rows == 0 && 32 % fragment->columns == 0 && fragment->columns % 4 == 0 &&
                   MATMUL_MATRIX_STEP % fragment->depth == 0 && fragment->depth % 4 == 0 &&
                   size % (4 * fragment->subgroup) == 0 && 64 * 64 % (size * subgroups) == 0;
    return divides && MATMUL_MATRIX_SHARED(size * subgroups) <= shared_memory;
}

struct matrix_fragment cooperative_matrix_find(VkInstance instance, VkPhysicalDevice physical,
                                               const struct device_info *info)
{
    struct matrix_fragment best = {0};
    if (!device_has_extension(physical, COOPERATIVE_MATRIX_EXTENSION) || !has_features(physical)) {
        return best;
    }
    PFN_vkVoidFunction found = vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    get_properties get = (get_properties)found;
    uint32_t count = 0;
    struct properties *properties = NULL;
    if (get == NULL || get(physical, &count, NULL) != VK_SUCCESS ||
        memory_allocate(count, sizeof *properties, &properties) != STATUS_OK) {
        return best;
    }
    for (uint32_t i = 0; i < count; i++) {
        properties[i].type = (VkStructureType)PROPERTIES_TYPE;
    }
    if (get(physical, &count, properties) != VK_SUCCESS) {
        count = 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct properties *found_one = &properties[i];
        struct matrix_fragment fragment = {.rows = found_one->rows,
                                           .columns = found_one->columns,
                                           .depth = found_one->depth,
                                           .subgroup = info->subgroup_size};
        bool mixed = found_one->type_a == COMPONENT_FLOAT16 && found_one->type_b == COMPONENT_FLOAT16 &&
                     found_one->type_c == COMPONENT_FLOAT32 && found_one->type_result == COMPONENT_FLOAT32;
        bool larger = fragment.rows * fragment.columns * fragment.depth > best.rows * best.columns * best.depth;
        if (mixed && found_one->scope == SCOPE_SUBGROUP && larger && suits_tiles(&fragment, info->shared_memory)) {
            best = fragment;
        }
    }
    free(properties);
    return best;
}
