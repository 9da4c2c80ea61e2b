#ifndef COMPUTE_VULKAN_CPU_DRIVER_VECTOR_STORE_H
#define COMPUTE_VULKAN_CPU_DRIVER_VECTOR_STORE_H

#include "compute/vulkan/cpu_driver/rewriting.h"

/* Rewrites the stores in a block; how many. */
unsigned vector_store_rewrite(const struct rewriting *rewriting, llvm_block *block);

#endif
