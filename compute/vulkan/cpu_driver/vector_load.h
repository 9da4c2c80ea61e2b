#ifndef COMPUTE_VULKAN_CPU_DRIVER_VECTOR_LOAD_H
#define COMPUTE_VULKAN_CPU_DRIVER_VECTOR_LOAD_H

#include "compute/vulkan/cpu_driver/rewriting.h"

/* Rewrites the loads of texels in a block; how many. */
unsigned vector_load_rewrite(const struct rewriting *rewriting, llvm_block *block);

#endif
