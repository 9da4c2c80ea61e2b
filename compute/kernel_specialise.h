/*
 * A kernel without the branches that its specialization constants decide.
 *
 * Drivers cut them too, but late: Mesa translates all branches and carries them through its first passes, at every
 * start, for its cache keeps machine code only. What nothing uses any more goes with them (spirv_tidy.h). A kernel with
 * many branches (matmul_rows) takes it 100 ms whole and 15 ms cut. Which values are computed, and in which order, is
 * not touched. One thing can come to light: a loop whose condition at the head is known keeps its exit at the foot
 * alone, and behind such a loop lavapipe gives invocations that left it earlier than others values of later turns. So
 * loops with their exit at the foot turn equally often for all.
 */
#ifndef COMPUTE_KERNEL_SPECIALISE_H
#define COMPUTE_KERNEL_SPECIALISE_H

#include "compute/kernel_table.h"

/*
 * *words: the kernel for these values of its specialization constants 0 .. count - 1, to be freed by the caller. The
 * constants are still declared, and the driver must be given the same values. A kernel whose control flow cannot be cut
 * comes out whole. The code must be one that kernel_reflect() understands. Errors: no memory, or no SPIR-V.
 */
enum status kernel_specialise(const struct kernel_code *code, const uint32_t *constants, int count, uint32_t **words,
                              size_t *word_count) MUST_CHECK;

#endif
