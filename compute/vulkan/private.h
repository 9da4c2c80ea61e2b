/*
 * One Vulkan engine, and which file does what to it. Everything is made by vulkan_load() in the order memory, kernels,
 * recording; afterwards replay.c only submits and waits.
 */
#ifndef COMPUTE_VULKAN_PRIVATE_H
#define COMPUTE_VULKAN_PRIVATE_H

#include <pthread.h>
#include <vulkan/vulkan.h>

#include "base/text.h"
#include "compute/engine_private.h"

/* What the validation layers said; written by their callback on any thread. */
struct validation {
    bool enabled;
    pthread_mutex_t lock;
    struct text messages;
    int message_count;
    VkDebugUtilsMessengerEXT messenger;
};

struct device_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *host; /* mapped, NULL where the host cannot see it */
    uint64_t size;
};

/* A region; `staging` is its twin that the host sees, where the host cannot see the region itself. */
struct region_memory {
    struct device_buffer device, staging;
};

/* What one kernel of the table needs once, whatever its specialization. */
struct kernel_objects {
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
};

struct kernel_pipeline {
    int kernel;
    int constant_count;
    uint32_t constants[DISPATCH_MAX_CONSTANTS];
    VkPipeline pipeline;
};

struct buffer_view {
    enum region region;
    uint64_t offset, size;
    enum descriptor_kind kind;
    VkBufferView view;
};

/* A dispatch made ready. */
struct vulkan_step {
    VkPipeline pipeline;
    VkPipelineLayout layout;
    bool digits;         /* are pushed */
    VkDescriptorSet set; /* VK_NULL_HANDLE: a kernel without bindings */
};

struct vulkan_segment {
    int first_buffer, buffer_count; /* in vulkan_phase.buffers; several where a watchdog might strike */
    uint64_t value;                 /* of the timeline, when the segment's last submission is done */
};

struct vulkan_phase {
    struct vulkan_step *steps; /* by step of the tape */
    struct vulkan_segment *segments;
    VkCommandBuffer *buffers;
    int buffer_count;
    VkQueryPool queries; /* two by step: before and behind it */
};

struct vulkan_engine {
    struct engine engine;
    bool staged, timestamps;
    int local_rank, local_size; /* among the ranks of this host */
    struct validation validation;

    VkInstance instance;
    VkPhysicalDevice physical;
    VkPhysicalDeviceLimits limits;
    VkDevice device;
    bool subgroup_size_control; /* pipelines may ask for a size of subgroups */
    VkQueue queue;
    uint32_t queue_family;
    VkCommandPool pool;

    bool unified; /* the host sees every region itself */
    struct region_memory regions[REGION_COUNT];
    VkCommandBuffer immediate; /* for work that the host waits for at once */
    VkFence immediate_done;

    struct kernel_objects *kernels; /* by kernel of the table */
    struct kernel_pipeline *pipelines;
    int pipeline_count;
    struct buffer_view *views; /* sorted */
    int view_count;
    VkDescriptorPool descriptors;

    struct vulkan_phase *phases;
    VkSemaphore timeline;
    uint64_t submitted; /* the timeline's value when all that was submitted is done */
    VkSubmitInfo *submissions;
    VkTimelineSemaphoreSubmitInfo *submission_values;
};

/* --- result.c: "recording phase train: VK_ERROR_DEVICE_LOST" ---------------------------------------------------- */

#define vk_try(result, ...) vulkan_status((result), __FILE__, __LINE__, __VA_ARGS__)
enum status vulkan_status(VkResult result, const char *file, int line, const char *format, ...) MUST_CHECK
    PRINTF_LIKE(4, 5);

/* --- validation.c ----------------------------------------------------------------------------------------------- */

/* Chains what the instance needs in front of `info`; `setup` must live until the instance is made. */
struct validation_setup {
    VkDebugUtilsMessengerCreateInfoEXT messenger;
    VkValidationFeaturesEXT features;
    VkValidationFeatureEnableEXT enabled[1];
    const char *layer, *extension;
};
enum status validation_prepare(struct validation *validation, struct validation_setup *setup,
                               VkInstanceCreateInfo *info) MUST_CHECK;
enum status validation_begin(struct validation *validation, VkInstance instance,
                             const struct validation_setup *setup) MUST_CHECK;
/* Fails with what the layers said since the last check. */
enum status validation_check(struct validation *validation) MUST_CHECK;
void validation_end(struct validation *validation, VkInstance instance);
/* Gives an object a name that messages show. */
void validation_name(struct vulkan_engine *engine, VkObjectType type, uint64_t handle, const char *name);

/* --- shader_cache.c --------------------------------------------------------------------------------------------- */

/* Sets the environment that Mesa's drivers read, where the user did not: before the instance is made. */
void shader_cache_place(void);

/* --- device.c, device_list.c ------------------------------------------------------------------------------------ */

enum status device_make_instance(struct validation *validation, VkInstance *instance) MUST_CHECK;
/* The devices in order, with what they can do; the caller frees both. */
enum status device_enumerate(VkInstance instance, VkPhysicalDevice **physical, struct device_info **infos,
                             int *count) MUST_CHECK;
enum status device_open(struct vulkan_engine *engine, const struct engine_params *params) MUST_CHECK;
void device_close(struct vulkan_engine *engine);

/* --- extension.c ------------------------------------------------------------------------------------------------ */

bool device_has_extension(VkPhysicalDevice physical, const char *name);
/* Whether a pipeline may say how large its subgroups are; *least: the smallest size. */
bool device_controls_subgroup_size(VkPhysicalDevice physical, uint32_t *least);

/* --- cooperative_matrix.c --------------------------------------------------------------------------------------- */

#define COOPERATIVE_MATRIX_EXTENSION "VK_KHR_cooperative_matrix"
/* As in newer vulkan_core.h: VkPhysicalDeviceCooperativeMatrixFeaturesKHR. */
struct cooperative_matrix_features {
    VkStructureType type;
    void *next;
    VkBool32 cooperative_matrix, robust_buffer_access;
};
struct cooperative_matrix_features cooperative_matrix_features(void *next);
/* What the device multiplies best, of what the kernels can use; all 0 where there is nothing. */
struct matrix_fragment cooperative_matrix_find(VkInstance instance, VkPhysicalDevice physical,
                                               const struct device_info *info);

/* --- memory.c --------------------------------------------------------------------------------------------------- */

enum status memory_make_regions(struct vulkan_engine *engine) MUST_CHECK;
void memory_release_regions(struct vulkan_engine *engine);
/* Begins the immediate command buffer; immediate_run() submits it and waits. */
enum status immediate_begin(struct vulkan_engine *engine) MUST_CHECK;
enum status immediate_run(struct vulkan_engine *engine, const char *doing) MUST_CHECK;
void *memory_host(struct engine *engine, enum region region);
enum status memory_push(struct engine *engine, enum region region, uint64_t offset, uint64_t size) MUST_CHECK;
enum status memory_pull(struct engine *engine, enum region region, uint64_t offset, uint64_t size) MUST_CHECK;

/* --- kernel.c, descriptors.c ------------------------------------------------------------------------------------ */

/* Fills in pipeline and layout of every step of engine->phases. */
enum status kernels_make(struct vulkan_engine *engine) MUST_CHECK;
void kernels_release(struct vulkan_engine *engine);
/* Likewise the set. */
enum status descriptors_make(struct vulkan_engine *engine) MUST_CHECK;
void descriptors_release(struct vulkan_engine *engine);

/* --- record.c --------------------------------------------------------------------------------------------------- */

enum status record_phases(struct vulkan_engine *engine) MUST_CHECK;
/*
 * Runs every kernel once without workgroups: drivers that compile at the first use do it now, not in the first step.
 */
enum status record_warm_up(struct vulkan_engine *engine) MUST_CHECK;
void record_release(struct vulkan_engine *engine);

/* --- profile.c -------------------------------------------------------------------------------------------------- */

enum status profile_make(struct vulkan_engine *engine, int phase) MUST_CHECK;
void profile_reset(const struct vulkan_phase *phase, VkCommandBuffer buffer, const struct segment *segment);
void profile_mark(const struct vulkan_phase *phase, VkCommandBuffer buffer, int step, bool behind);
enum status profile_times(struct engine *engine, int phase, double *seconds) MUST_CHECK;

/* --- replay.c --------------------------------------------------------------------------------------------------- */

enum status replay_make(struct vulkan_engine *engine) MUST_CHECK;
void replay_release(struct vulkan_engine *engine);
enum status replay_submit(struct engine *engine, int phase, int first, int count) MUST_CHECK;
enum status replay_wait(struct engine *engine, int phase, int segment, uint32_t wait_us, bool *done) MUST_CHECK;

#endif
