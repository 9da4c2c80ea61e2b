/* What binds memory to kernels: a view for each distinct texel binding, and a descriptor set for each dispatch. */
#include "compute/vulkan/private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"

/* What one walk over all bindings of all dispatches does with each. */
struct walk {
    struct vulkan_engine *engine;
    const struct phase *phase;
    const struct dispatch *dispatch;
    const struct kernel_interface *interface;
    VkDescriptorSet set;
    uint32_t storage_count, texel_count, set_count; /* counted by count_binding() */
};

typedef enum status (*binding_visitor)(struct walk *walk, int index, const struct buffer_view *place);

static struct buffer_view place_of(const struct walk *walk, int index)
{
    const struct binding *binding = &walk->dispatch->bindings[index];
    return (struct buffer_view){
        .region = walk->phase->tape.tensors[binding->tensor].region,
        .offset = walk->phase->plan.offsets[binding->tensor] + binding->offset,
        .size = binding->size,
        .kind = walk->interface->kinds[index],
    };
}

static enum status visit_dispatch(struct walk *walk, binding_visitor visit)
{
    for (int i = 0; i < walk->dispatch->binding_count; i++) {
        struct buffer_view place = place_of(walk, i);
        TRY(visit(walk, i, &place));
    }
    return STATUS_OK;
}

static enum status select_dispatch(struct walk *walk, const struct phase *phase, const struct dispatch *dispatch)
{
    int kernel;
    TRY(engine_kernel(&walk->engine->engine, dispatch->kernel, &kernel));
    walk->phase = phase;
    walk->dispatch = dispatch;
    walk->interface = &walk->engine->engine.interfaces[kernel];
    return STATUS_OK;
}

static enum status visit_all(struct walk *walk, binding_visitor visit)
{
    const struct program *program = walk->engine->engine.program;
    for (int p = 0; p < program->phase_count; p++) {
        const struct tape *tape = &program->phases[p]->tape;
        for (int s = 0; s < tape->step_count; s++) {
            if (tape->steps[s].kind == STEP_DISPATCH) {
                TRY(select_dispatch(walk, program->phases[p], &tape->steps[s].dispatch));
                walk->set_count += walk->dispatch->binding_count > 0;
                TRY(visit_dispatch(walk, visit));
            }
        }
    }
    return STATUS_OK;
}

static enum status count_binding(struct walk *walk, int index, const struct buffer_view *place)
{
    bool storage = place->kind == DESCRIPTOR_STORAGE_BUFFER;
    uint64_t limit = storage
                         ? walk->engine->limits.maxStorageBufferRange
                         : (uint64_t)walk->engine->limits.maxTexelBufferElements * descriptor_texel_size(place->kind);
    if (place->size > limit) {
        return fail(STATUS_NO_MEMORY,
                    "kernel %s: binding %d (%s) has %" PRIu64 " bytes, %s takes at most %" PRIu64
                    ": a smaller run.batch, or more ranks of which each holds less of the batch, needs less",
                    walk->dispatch->kernel, index,
                    walk->phase->tape.tensors[walk->dispatch->bindings[index].tensor].name, place->size,
                    walk->engine->engine.device.name, limit);
    }
    walk->storage_count += storage;
    walk->texel_count += !storage;
    return STATUS_OK;
}

static enum status collect_view(struct walk *walk, int index, const struct buffer_view *place)
{
    (void)index;
    if (place->kind != DESCRIPTOR_STORAGE_BUFFER) {
        walk->engine->views[walk->engine->view_count++] = *place;
    }
    return STATUS_OK;
}

#define COMPARE(a, b)                                                                                                  \
    if ((a) != (b)) {                                                                                                  \
        return (a) < (b) ? -1 : 1;                                                                                     \
    }

static int compare_views(const void *left, const void *right)
{
    const struct buffer_view *a = left, *b = right;
    COMPARE(a->region, b->region)
    COMPARE(a->offset, b->offset)
    COMPARE(a->size, b->size)
    COMPARE(a->kind, b->kind)
    return 0;
}

static VkFormat view_format(enum descriptor_kind kind)
{
    switch (kind) {
    case DESCRIPTOR_TEXEL_FLOAT4:
        return VK_FORMAT_R32G32B32A32_SFLOAT;
    case DESCRIPTOR_TEXEL_FLOAT1:
        return VK_FORMAT_R32_SFLOAT;
    case DESCRIPTOR_TEXEL_INT1:
        return VK_FORMAT_R32_SINT;
    case DESCRIPTOR_TEXEL_UINT1:
        return VK_FORMAT_R32_UINT;
    case DESCRIPTOR_NONE:
    case DESCRIPTOR_STORAGE_BUFFER:
        break;
    }
    return VK_FORMAT_UNDEFINED;
}

static enum status make_views(struct vulkan_engine *engine)
{
    if (engine->view_count > 0) { /* qsort() takes no NULL */
        qsort(engine->views, (size_t)engine->view_count, sizeof *engine->views, compare_views);
    }
    int distinct = 0;
    for (int i = 0; i < engine->view_count; i++) {
        if (i == 0 || compare_views(&engine->views[i], &engine->views[distinct - 1]) != 0) {
            engine->views[distinct++] = engine->views[i];
        }
    }
    engine->view_count = distinct;
    for (int i = 0; i < distinct; i++) {
        struct buffer_view *view = &engine->views[i];
        VkBufferViewCreateInfo info = {
            .sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO,
            .buffer = engine->regions[view->region].device.buffer,
            .format = view_format(view->kind),
            .offset = view->offset,
            .range = view->size,
        };
        TRY(vk_try(vkCreateBufferView(engine->device, &info, NULL, &view->view), "making a view of the region %s",
                   region_name(view->region)));
    }
    return STATUS_OK;
}

static enum status make_pool(struct vulkan_engine *engine, const struct walk *counts)
{
    VkDescriptorPoolSize sizes[2];
    uint32_t size_count = 0;
    if (counts->storage_count > 0) {
        sizes[size_count++] = (VkDescriptorPoolSize){VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, counts->storage_count};
    }
    if (counts->texel_count > 0) {
        sizes[size_count++] = (VkDescriptorPoolSize){VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER, counts->texel_count};
    }
    VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = counts->set_count,
        .poolSizeCount = size_count,
        .pPoolSizes = sizes,
    };
    return vk_try(vkCreateDescriptorPool(engine->device, &info, NULL, &engine->descriptors),
                  "making %u descriptor sets", counts->set_count);
}

static enum status write_binding(struct walk *walk, int index, const struct buffer_view *place)
{
    struct vulkan_engine *engine = walk->engine;
    VkDescriptorBufferInfo buffer = {
        .buffer = engine->regions[place->region].device.buffer,
        .offset = place->offset,
        .range = place->size,
    };
    VkWriteDescriptorSet write = {
        .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = walk->set,
        .dstBinding = (uint32_t)index,
        .descriptorCount = 1,
    };
    if (place->kind == DESCRIPTOR_STORAGE_BUFFER) {
        write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        write.pBufferInfo = &buffer;
    } else {
        const struct buffer_view *view =
            bsearch(place, engine->views, (size_t)engine->view_count, sizeof *engine->views, compare_views);
        write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_TEXEL_BUFFER;
        write.pTexelBufferView = &view->view;
    }
    vkUpdateDescriptorSets(engine->device, 1, &write, 0, NULL);
    return STATUS_OK;
}

static enum status make_set(struct walk *walk, VkDescriptorSet *set)
{
    struct vulkan_engine *engine = walk->engine;
    int kernel = (int)(walk->interface - engine->engine.interfaces);
    VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = engine->descriptors,
        .descriptorSetCount = 1,
        .pSetLayouts = &engine->kernels[kernel].set_layout,
    };
    TRY(vk_try(vkAllocateDescriptorSets(engine->device, &info, set), "making a descriptor set for kernel %s",
               walk->dispatch->kernel));
    walk->set = *set;
    return visit_dispatch(walk, write_binding);
}

enum status descriptors_make(struct vulkan_engine *engine)
{
    struct walk walk = {.engine = engine};
    TRY(visit_all(&walk, count_binding));
    if (walk.set_count == 0) {
        return STATUS_OK;
    }
    TRY(make_pool(engine, &walk));
    TRY(memory_allocate(walk.texel_count, sizeof *engine->views, &engine->views));
    TRY(visit_all(&walk, collect_view));
    TRY(make_views(engine));
    const struct program *program = engine->engine.program;
    for (int p = 0; p < program->phase_count; p++) {
        const struct tape *tape = &program->phases[p]->tape;
        for (int s = 0; s < tape->step_count; s++) {
            if (tape->steps[s].kind == STEP_DISPATCH && tape->steps[s].dispatch.binding_count > 0) {
                TRY(select_dispatch(&walk, program->phases[p], &tape->steps[s].dispatch));
                TRY(make_set(&walk, &engine->phases[p].steps[s].set));
            }
        }
    }
    return STATUS_OK;
}

void descriptors_release(struct vulkan_engine *engine)
{
    for (int i = 0; i < engine->view_count; i++) {
        vkDestroyBufferView(engine->device, engine->views[i].view, NULL);
    }
    free(engine->views);
    vkDestroyDescriptorPool(engine->device, engine->descriptors, NULL);
}
