/*
 * Products of matrices as VK_KHR_cooperative_matrix offers them. The headers of Debian 12 are older than that
 * extension, so what is needed of it is declared here.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "compute/graph/tuning.h"
#include "compute/vulkan/private.h"
#include "shaders/matmul_gpu.h"

enum { FEATURES_TYPE = 1000506000, PROPERTIES_TYPE = 1000506001 };
enum { COMPONENT_FLOAT16 = 0, COMPONENT_FLOAT32 = 1, SCOPE_SUBGROUP = 3 };

/* VkCooperativeMatrixPropertiesKHR: rows x depth A by depth x columns B, added to C. */
struct product {
    VkStructureType type;
    void *next;
    uint32_t rows, columns, depth;
    int32_t type_a, type_b, type_c, type_result; /* VkComponentTypeKHR */
    VkBool32 saturates;
    int32_t scope; /* VkScopeKHR */
};
typedef VkResult(VKAPI_PTR *get_products)(VkPhysicalDevice physical, uint32_t *count, struct product *products);

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

/* Where there is a choice, 32: GPUs of AMD, whose drivers take 64 else, are made for matrices in subgroups of 32. */
static uint32_t choose_subgroup(VkPhysicalDevice physical, uint32_t usual)
{
    enum { COMMON = 32 };
    uint32_t least;
    return usual > COMMON && device_controls_subgroup_size(physical, &least) && least <= COMMON ? COMMON : usual;
}

/* Whether a tile divides evenly as lib/tile_matrix.glsl divides it, and fits into shared memory. */
static bool suits_tile(const struct matrix_fragment *fragment, const struct gpu_tile *tile, uint32_t shared_memory)
{
    uint32_t subgroups = MATMUL_GPU_INVOCATIONS / fragment->subgroup;
    uint32_t size = fragment->rows * fragment->columns;
    uint32_t fragments = tile->rows * tile->columns / size / subgroups;
    uint32_t block_columns = fragments >= 16 ? 4 : fragments >= 4 ? 2 : 1;
    uint32_t block_rows = fragments / block_columns;
    return fragments * size * subgroups == tile->rows * tile->columns && block_rows * block_columns == fragments &&
           fragments > 0 && tile->rows % (block_rows * fragment->rows) == 0 &&
           tile->columns % (block_columns * fragment->columns) == 0 &&
           MATMUL_MATRIX_SHARED(tile->rows, tile->columns, size * subgroups) <= shared_memory;
}

static bool suits_tiles(const struct matrix_fragment *fragment, uint32_t shared_memory)
{
    bool suits = fragment->subgroup > 0 && MATMUL_GPU_INVOCATIONS % fragment->subgroup == 0 && fragment->rows > 0 &&
                 fragment->columns > 0 && fragment->columns % 4 == 0 && fragment->depth > 0 &&
                 fragment->depth % 4 == 0 && MATMUL_MATRIX_STEP % fragment->depth == 0;
    for (int i = 0; i < GPU_TILE_SHAPE_COUNT && suits; i++) {
        suits = suits_tile(fragment, &gpu_tiles[i], shared_memory);
    }
    return suits;
}

struct matrix_fragment cooperative_matrix_find(VkInstance instance, VkPhysicalDevice physical,
                                               const struct device_info *info)
{
    struct matrix_fragment best = {0};
    if (!device_has_extension(physical, COOPERATIVE_MATRIX_EXTENSION) || !has_features(physical)) {
        return best;
    }
    get_products get =
        (get_products)vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    uint32_t count = 0;
    struct product *products = NULL;
    if (get == NULL || get(physical, &count, NULL) != VK_SUCCESS ||
        memory_allocate(count, sizeof *products, &products) != STATUS_OK) {
        return best;
    }
    for (uint32_t i = 0; i < count; i++) {
        products[i].type = (VkStructureType)PROPERTIES_TYPE;
    }
    if (get(physical, &count, products) != VK_SUCCESS) {
        count = 0;
    }
    uint32_t subgroup = choose_subgroup(physical, info->subgroup_size);
    for (uint32_t i = 0; i < count; i++) {
        const struct product *product = &products[i];
        struct matrix_fragment fragment = {product->rows, product->columns, product->depth, subgroup};
        bool mixed = product->type_a == COMPONENT_FLOAT16 && product->type_b == COMPONENT_FLOAT16 &&
                     product->type_c == COMPONENT_FLOAT32 && product->type_result == COMPONENT_FLOAT32 &&
                     !product->saturates && product->scope == SCOPE_SUBGROUP;
        bool larger = fragment.rows * fragment.columns * fragment.depth > best.rows * best.columns * best.depth;
        if (mixed && larger && suits_tiles(&fragment, info->shared_memory)) {
            best = fragment;
        }
    }
    free(products);
    return best;
}
