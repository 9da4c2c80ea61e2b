#include "compute/kernel_table.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *name, const void *code)
{
    return strcmp(name, ((const struct kernel_code *)code)->name);
}

const struct kernel_code *kernel_find_in(const struct kernel_code *table, size_t count, const char *name)
{
    return bsearch(name, table, count, sizeof *table, compare_names);
}

const struct kernel_code *kernel_find(const char *name)
{
    return kernel_find_in(kernel_table, kernel_table_count, name);
}

uint32_t descriptor_texel_size(enum descriptor_kind kind)
{
    return kind == DESCRIPTOR_TEXEL_FLOAT4 ? 16 : 4;
}

static const char *kind_name(enum descriptor_kind kind)
{
    switch (kind) {
    case DESCRIPTOR_NONE:
        return "nothing";
    case DESCRIPTOR_STORAGE_BUFFER:
        return "a storage buffer";
    case DESCRIPTOR_TEXEL_FLOAT4:
        return "an imageBuffer of rgba32f";
    case DESCRIPTOR_TEXEL_FLOAT1:
        return "an imageBuffer of r32f";
    case DESCRIPTOR_TEXEL_INT1:
        return "an iimageBuffer of r32i";
    case DESCRIPTOR_TEXEL_UINT1:
        return "a uimageBuffer of r32ui";
    }
    return "?";
}

static const char *access_name(bool reads, bool writes)
{
    if (reads && writes) {
        return "reads and writes";
    }
    return reads ? "reads" : writes ? "writes" : "neither reads nor writes";
}

static enum status check_binding(const struct dispatch *dispatch, const struct kernel_interface *interface, int index)
{
    const struct binding *binding = &dispatch->bindings[index];
    enum descriptor_kind kind = interface->kinds[index];
    if (kind == DESCRIPTOR_NONE) {
        return fail(STATUS_FAILED, "kernel %s: the dispatch has a binding %d, the shader has none", dispatch->kernel,
                    index);
    }
    if (binding->tensor == TENSOR_NONE) {
        return fail(STATUS_FAILED, "kernel %s: binding %d is TENSOR_NONE, the shader wants %s", dispatch->kernel, index,
                    kind_name(kind));
    }
    bool reads = (binding->access & ACCESS_READ) != 0;
    bool writes = (binding->access & ACCESS_WRITE) != 0;
    if (reads != interface->reads[index] || writes != interface->writes[index]) {
        return fail(
            STATUS_FAILED,
            "kernel %s: the dispatch %s binding %d, the shader %s it: mend the access, or the shader's readonly "
            "or writeonly",
            dispatch->kernel, access_name(reads, writes), index,
            access_name(interface->reads[index], interface->writes[index]));
    }
    uint32_t unit = descriptor_texel_size(kind);
    if (binding->size == 0 || binding->size % unit != 0) {
        return fail(STATUS_FAILED, "kernel %s: binding %d has %llu bytes, %s takes a positive multiple of %u",
                    dispatch->kernel, index, (unsigned long long)binding->size, kind_name(kind), unit);
    }
    if (binding->offset % TENSOR_ALIGNMENT != 0) {
        return fail(STATUS_FAILED, "kernel %s: binding %d begins at byte %llu of its tensor, not at a multiple of %d",
                    dispatch->kernel, index, (unsigned long long)binding->offset, TENSOR_ALIGNMENT);
    }
    return STATUS_OK;
}

enum status kernel_check(const struct dispatch *dispatch, const struct kernel_interface *interface)
{
    if (dispatch->binding_count != interface->binding_count) {
        return fail(STATUS_FAILED, "kernel %s: the dispatch has %d bindings, the shader %d", dispatch->kernel,
                    dispatch->binding_count, interface->binding_count);
    }
    for (int i = 0; i < dispatch->binding_count; i++) {
        TRY(check_binding(dispatch, interface, i));
    }
    if (dispatch->push_size != interface->push_size) {
        return fail(STATUS_FAILED, "kernel %s: the dispatch has %u bytes of push constants, the shader %u",
                    dispatch->kernel, dispatch->push_size, interface->push_size);
    }
    if (dispatch->constant_count != interface->constant_count) {
        return fail(STATUS_FAILED, "kernel %s: the dispatch has %d specialization constants, the shader %d",
                    dispatch->kernel, dispatch->constant_count, interface->constant_count);
    }
    for (int axis = 0; axis < 3; axis++) {
        if (dispatch->groups[axis] < 1 || dispatch->groups[axis] > DISPATCH_MAX_GROUPS) {
            return fail(STATUS_FAILED, "kernel %s: %u x %u x %u workgroups, an axis takes 1 to %d", dispatch->kernel,
                        dispatch->groups[0], dispatch->groups[1], dispatch->groups[2], DISPATCH_MAX_GROUPS);
        }
    }
    return STATUS_OK;
}
