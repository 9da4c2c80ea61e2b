/*
 * What is done to a kernel on Mesa's driver for CPUs between the driver, which has translated it, and LLVM's passes.
 *
 * The driver reads and writes memory lane by lane: each lane's address is taken out of its register, 16 bytes are
 * loaded or stored, four lanes' are transposed; stores in a loop with branches. Mostly the lanes' addresses lie side by
 * side, and whole registers would do. Only the running kernel knows: so loads and stores are replaced by functions that
 * look first (functions.py), a handful of instructions, and LLVM's inliner puts them in place.
 *
 * Everything stays as the driver meant it: the same bytes from and to the same places, under the same bounds.
 */
#ifndef COMPUTE_VULKAN_CPU_DRIVER_PASSES_H
#define COMPUTE_VULKAN_CPU_DRIVER_PASSES_H

#include "compute/vulkan/cpu_driver/llvm.h"

/* Written by functions.py; behind the last one is {NULL}. */
struct cpu_driver_function {
    const char *name, *text;
};
extern const struct cpu_driver_function cpu_driver_functions[];
extern const char cpu_driver_version[]; /* of what is done to kernels: a hash of the sources */

/* A kernel at work. */
struct passes {
    llvm_module *module;
    llvm_builder *builder;
    llvm_type *i32;
};

/* The function of that name, put into the module where it is not there yet; NULL if it cannot be. */
llvm_value *passes_function(const struct passes *passes, const char *name);
/* Lanes of a register of 8 or 16 numbers of 32 bits, else 0. */
unsigned passes_lanes(llvm_type *type);
/* Appends a call at the builder's place. */
llvm_value *passes_call(const struct passes *passes, llvm_value *function, llvm_value **arguments, unsigned count);

/* vector_load.c, vector_store.c: rewrite what they know in a block; how often. */
unsigned vector_load_rewrite(const struct passes *passes, llvm_block *block);
unsigned vector_store_rewrite(const struct passes *passes, llvm_block *block);

#endif
