/* Pipelines: one for each kernel and its specialization constants. */
#include "compute/vulkan/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/kernel_specialise.h"

static VkDescriptorType descriptor_type(enum descriptor_kind kind)
{
    return kind == DESCRIPTOR_STORAGE_BUFFER ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
                                             : VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
}

static enum status make_objects(struct vulkan_engine *engine, int kernel)
{
    const struct kernel_code *code = &engine->engine.kernels[kernel];
    const struct kernel_interface *interface = &engine->engine.interfaces[kernel];
    struct kernel_objects *objects = &engine->kernels[kernel];
    VkDescriptorSetLayoutBinding bindings[DISPATCH_MAX_BINDINGS];
    uint32_t count = 0;
    for (int i = 0; i < interface->binding_count; i++) {
        if (interface->kinds[i] != DESCRIPTOR_NONE) {
            bindings[count++] = (VkDescriptorSetLayoutBinding){
                .binding = (uint32_t)i,
                .descriptorType = descriptor_type(interface->kinds[i]),
                .descriptorCount = 1,
                .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
            };
        }
    }
    VkDescriptorSetLayoutCreateInfo set = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = count,
        .pBindings = bindings,
    };
    TRY(vk_try(vkCreateDescriptorSetLayout(engine->device, &set, NULL, &objects->set_layout),
               "laying out the bindings of kernel %s", code->name));
    VkPushConstantRange push = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                .size = interface->push_size + (interface->lanes ? KERNEL_DIGITS : 0)};
    VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &objects->set_layout,
        .pushConstantRangeCount = push.size > 0 ? 1 : 0,
        .pPushConstantRanges = &push,
    };
    return vk_try(vkCreatePipelineLayout(engine->device, &layout, NULL, &objects->layout),
                  "laying out the constants of kernel %s", code->name);
}

static enum status make_module(struct vulkan_engine *engine, const struct kernel_pipeline *pipeline,
                               VkShaderModule *module)
{
    const struct kernel_code *code = &engine->engine.kernels[pipeline->kernel];
    uint32_t *words;
    size_t word_count;
    TRY(kernel_specialise(code, pipeline->constants, pipeline->constant_count, &words, &word_count));
    VkShaderModuleCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
        .codeSize = word_count * sizeof *words,
        .pCode = words,
    };
    enum status status =
        vk_try(vkCreateShaderModule(engine->device, &info, NULL, module), "loading kernel %s", code->name);
    free(words);
    return status;
}

static enum status make_pipeline(struct vulkan_engine *engine, struct kernel_pipeline *pipeline)
{
    VkShaderModule module;
    TRY(make_module(engine, pipeline, &module));
    VkSpecializationMapEntry entries[DISPATCH_MAX_CONSTANTS];
    for (int i = 0; i < pipeline->constant_count; i++) {
        entries[i] = (VkSpecializationMapEntry){
            .constantID = (uint32_t)i,
            .offset = (uint32_t)i * (uint32_t)sizeof(uint32_t),
            .size = sizeof(uint32_t),
        };
    }
    VkSpecializationInfo specialization = {
        .mapEntryCount = (uint32_t)pipeline->constant_count,
        .pMapEntries = entries,
        .dataSize = (size_t)pipeline->constant_count * sizeof(uint32_t),
        .pData = pipeline->constants,
    };
    const struct kernel_objects *objects = &engine->kernels[pipeline->kernel];
    /* A fragment belongs to a subgroup, so all of them must be as large as the kernel was told. */
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = engine->engine.device.fragment.subgroup,
    };
    bool fixed = engine->subgroup_size_control && engine->engine.interfaces[pipeline->kernel].matrices;
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage =
            {
                .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                .pNext = fixed ? &subgroup : NULL,
                .flags = fixed ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT : 0,
                .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                .module = module,
                .pName = "main",
                .pSpecializationInfo = &specialization,
            },
        .layout = objects->layout,
    };
    const char *name = engine->engine.kernels[pipeline->kernel].name;
    enum status status =
        vk_try(vkCreateComputePipelines(engine->device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline->pipeline),
               "compiling kernel %s", name);
    vkDestroyShaderModule(engine->device, module, NULL);
    TRY(status);
    validation_name(engine, VK_OBJECT_TYPE_PIPELINE, (uint64_t)pipeline->pipeline, name);
    return STATUS_OK;
}

static bool same_pipeline(const struct kernel_pipeline *a, const struct kernel_pipeline *b)
{
    return a->kernel == b->kernel && memcmp(a->constants, b->constants, sizeof a->constants) == 0;
}

/* Those that say what the device is like. */
static void set_constants(const struct vulkan_engine *engine, struct kernel_pipeline *wanted)
{
    const struct device_info *device = &engine->engine.device;
    const struct kernel_interface *interface = &engine->engine.interfaces[wanted->kernel];
    if (interface->lanes) {
        wanted->constants[DISPATCH_LANES_CONSTANT] = device->subgroup_size;
        wanted->constant_count = DISPATCH_LANES_CONSTANT + 1;
    }
    if (interface->matrices) {
        const uint32_t fragment[] = {device->fragment.rows, device->fragment.columns, device->fragment.depth,
                                     device->fragment.subgroup};
        memcpy(wanted->constants + DISPATCH_FRAGMENT_CONSTANT, fragment, sizeof fragment);
        wanted->constant_count = DISPATCH_FRAGMENT_CONSTANT + (int)COUNT_OF(fragment);
    }
}

/* The pipeline that is wanted, made where there is none yet. */
static enum status find_pipeline(struct vulkan_engine *engine, const struct dispatch *dispatch,
                                 struct kernel_pipeline **pipeline)
{
    struct kernel_pipeline wanted = {.constant_count = dispatch->constant_count};
    TRY(engine_kernel(&engine->engine, dispatch->kernel, &wanted.kernel));
    memcpy(wanted.constants, dispatch->constants, (size_t)dispatch->constant_count * sizeof *wanted.constants);
    set_constants(engine, &wanted);
    for (int i = 0; i < engine->pipeline_count; i++) {
        if (same_pipeline(&engine->pipelines[i], &wanted)) {
            *pipeline = &engine->pipelines[i];
            return STATUS_OK;
        }
    }
    TRY(memory_resize((size_t)engine->pipeline_count + 1, sizeof *engine->pipelines, &engine->pipelines));
    TRY(make_pipeline(engine, &wanted));
    *pipeline = &engine->pipelines[engine->pipeline_count++];
    **pipeline = wanted;
    return STATUS_OK;
}

enum status kernels_make(struct vulkan_engine *engine)
{
    TRY(memory_allocate(engine->engine.kernel_count, sizeof *engine->kernels, &engine->kernels));
    for (size_t i = 0; i < engine->engine.kernel_count; i++) {
        if (engine->engine.reflected[i]) {
            TRY(make_objects(engine, (int)i));
        }
    }
    const struct program *program = engine->engine.program;
    for (int p = 0; p < program->phase_count; p++) {
        const struct tape *tape = &program->phases[p]->tape;
        for (int s = 0; s < tape->step_count; s++) {
            if (tape->steps[s].kind != STEP_DISPATCH) {
                continue;
            }
            struct kernel_pipeline *pipeline;
            TRY(find_pipeline(engine, &tape->steps[s].dispatch, &pipeline));
            engine->phases[p].steps[s].pipeline = pipeline->pipeline;
            engine->phases[p].steps[s].layout = engine->kernels[pipeline->kernel].layout;
            engine->phases[p].steps[s].digits = engine->engine.interfaces[pipeline->kernel].lanes;
        }
    }
    return STATUS_OK;
}

void kernels_release(struct vulkan_engine *engine)
{
    for (int i = 0; i < engine->pipeline_count; i++) {
        vkDestroyPipeline(engine->device, engine->pipelines[i].pipeline, NULL);
    }
    for (size_t i = 0; engine->kernels != NULL && i < engine->engine.kernel_count; i++) {
        vkDestroyPipelineLayout(engine->device, engine->kernels[i].layout, NULL);
        vkDestroyDescriptorSetLayout(engine->device, engine->kernels[i].set_layout, NULL);
    }
    free(engine->pipelines);
    free(engine->kernels);
}
