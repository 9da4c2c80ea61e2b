/* Mesa's driver for CPUs takes its settings from the environment, once, when it is loaded. */
#include "compute/vulkan/cpu_driver/cpu_driver.h"

#include <stdlib.h>

/* AVX-512 as a server processor has it. */
static bool has_wide_registers(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

void cpu_driver_prepare(void)
{
    /* A rank on a CPU device runs its kernels in one thread on its own core; MPI is what uses the cores. */
    setenv("LP_NUM_THREADS", "0", 0);
    /* The driver itself takes 256 bits at most: products gain a fifth to a third (docs/performance.md). */
    if (has_wide_registers()) {
        setenv("LP_NATIVE_VECTOR_WIDTH", "512", 0);
    }
    cpu_driver_fuse();
    cpu_driver_vectorise();
    cpu_driver_hold_memory();
}
