/*
 * What is done to a kernel on Mesa's driver for CPUs between the driver, which has translated it, and LLVM's passes.
 *
 * The driver reads and writes memory lane by lane: each lane's address is taken out of its register, 16 bytes are
 * loaded or stored, four lanes' are transposed; stores in a loop with branches. Mostly the lanes' addresses lie side by
 * side, and whole registers would do. Only the running kernel knows: so loads and stores are replaced by functions that
 * look first (functions.py), a handful of instructions, and LLVM's inliner puts them in place. And what loops write to
 * variables is chosen by lane instead of by bits (masked_write.c).
 *
 * Everything stays as the driver meant it: the same bytes from and to the same places, under the same bounds.
 */
#ifndef COMPUTE_VULKAN_CPU_DRIVER_REWRITING_H
#define COMPUTE_VULKAN_CPU_DRIVER_REWRITING_H

#include "compute/vulkan/cpu_driver/llvm.h"

/* Written by functions.py; behind the last one is {NULL}. */
struct cpu_driver_function {
    const char *name, *text;
};
extern const struct cpu_driver_function cpu_driver_functions[];
extern const char cpu_driver_hash[]; /* of the sources that say what is done to kernels */

/* A kernel at work. */
struct rewriting {
    llvm_module *module;
    llvm_builder *builder;
    llvm_type *i32;
};

/* The function of that name, put into the module where it is not there yet; NULL if it cannot be. */
llvm_value *rewriting_function(const struct rewriting *rewriting, const char *name);
/* Lanes of a register of 8 or 16 numbers of 32 bits, else 0. */
unsigned rewriting_lanes(llvm_type *type);
/* Appends a call at the builder's place. */
llvm_value *rewriting_call(const struct rewriting *rewriting, llvm_value *function, llvm_value **arguments,
                           unsigned count);

/* False once the LLVM did not understand a function. */
bool rewriting_can(void);

#endif
