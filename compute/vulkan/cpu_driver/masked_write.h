#ifndef COMPUTE_VULKAN_CPU_DRIVER_MASKED_WRITE_H
#define COMPUTE_VULKAN_CPU_DRIVER_MASKED_WRITE_H

#include "compute/vulkan/cpu_driver/rewriting.h"

/* Rewrites the writes to variables of loops in a block; how many. */
unsigned masked_write_rewrite(const struct rewriting *rewriting, llvm_block *block);

#endif
