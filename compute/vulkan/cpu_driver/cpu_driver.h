/*
 * What the program makes of Mesa's driver for CPUs: settings, and better code from the LLVM that it calls. A driver
 * that calls no LLVM, as those of GPUs, knows nothing of it.
 */
#ifndef COMPUTE_VULKAN_CPU_DRIVER_CPU_DRIVER_H
#define COMPUTE_VULKAN_CPU_DRIVER_CPU_DRIVER_H

#include <stdbool.h>

/* Sets up Mesa's driver for CPUs, before an instance loads it; what the user has set stays. */
void cpu_driver_prepare(void);
/* The part of it that lets the driver fuse multiply-adds where the processor can, unless LEMNOS_FMA=off. */
void cpu_driver_fuse(void);
bool cpu_driver_fuses(void);
/* The part of it that lets kernels load and store whole registers, and write by lane, unless LEMNOS_VECTORS=off. */
void cpu_driver_vectorise(void);
bool cpu_driver_vectorises(void);
/* The part of it by which workgroups take memory without malloc(). */
void cpu_driver_hold_memory(void);
/* Kernels whose workgroups do. */
unsigned cpu_driver_held(void);
/* Tells kernels compiled with either from those that another version of this program compiled; NULL: neither is on. */
const char *cpu_driver_version(void);
/* What this process compiled, as far as the driver's LLVM is within reach: kernels, and what was rewritten in them. */
struct cpu_driver_counts {
    unsigned kernels, loads, stores, masked_writes;
};
struct cpu_driver_counts cpu_driver_count(void);

#endif
