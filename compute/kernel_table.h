/*
 * The kernels that the build made: SPIR-V by name, and what a shader says of itself (descriptor kinds, access, push
 * constants, workgroup size), read from the SPIR-V. No Vulkan here, so that plans are checked without a device.
 */
#ifndef COMPUTE_KERNEL_TABLE_H
#define COMPUTE_KERNEL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "compute/graph/tape.h"

struct kernel_code {
    const char *name; /* the shader's file name without .comp */
    const uint32_t *words;
    size_t word_count;
};

/* What a kernel finds behind its push constants where it asks for them: the bytes 0 .. 15. */
enum { KERNEL_DIGITS = 16 };

/* All kernels, sorted by name. */
extern const struct kernel_code kernel_table[];
extern const size_t kernel_table_count;
/* NULL where there is none. */
const struct kernel_code *kernel_find(const char *name);
/* The same in another table, sorted by name too. */
const struct kernel_code *kernel_find_in(const struct kernel_code *table, size_t count, const char *name);

enum descriptor_kind {
    DESCRIPTOR_NONE,
    DESCRIPTOR_STORAGE_BUFFER,
    DESCRIPTOR_TEXEL_FLOAT4, /* imageBuffer, rgba32f: floats in fours, branch-free reads on CPUs */
    DESCRIPTOR_TEXEL_FLOAT1, /* imageBuffer, r32f */
    DESCRIPTOR_TEXEL_INT1,   /* iimageBuffer, r32i */
    DESCRIPTOR_TEXEL_UINT1,  /* uimageBuffer, r32ui */
};

/* Bytes that a binding of this kind is a multiple of. */
uint32_t descriptor_texel_size(enum descriptor_kind kind);

struct kernel_interface {
    enum descriptor_kind kinds[DISPATCH_MAX_BINDINGS];
    bool reads[DISPATCH_MAX_BINDINGS];  /* false: declared writeonly */
    bool writes[DISPATCH_MAX_BINDINGS]; /* false: declared readonly */
    int binding_count;                  /* the highest binding + 1 */
    uint32_t push_size;                 /* bytes, without the digits */
    /* The engine sets the constant DISPATCH_LANES_CONSTANT, and pushes the digits (shaders/lib/store.glsl). */
    bool lanes;
    bool matrices; /* the engine sets the constants from DISPATCH_FRAGMENT_CONSTANT on (shaders/lib/tile_matrix.glsl) */
    uint32_t local_size[3]; /* with the default values of specialization constants */
    int constant_count;     /* the highest specialization constant + 1, of those that engines do not set */
    uint32_t shared_size;   /* bytes of shared memory a workgroup (default constants), 0: none */
};

enum status kernel_reflect(const struct kernel_code *code, struct kernel_interface *interface) MUST_CHECK;
/*
 * Checks one dispatch against its kernel: bindings match in number and kind and have the very access that the shader
 * declares (readonly, writeonly or neither), sizes and alignments fit, push constants and specialization constants are
 * as many as the shader's, the grid is within limits.
 */
enum status kernel_check(const struct dispatch *dispatch, const struct kernel_interface *interface) MUST_CHECK;

#endif
