/*
 * Code without what it does not need: blocks that only lead on to the next, loads of what is known to lie there, and
 * whatever nothing uses, variables above all. kernel_specialise() leaves much of it behind, and so do compilers that
 * inline functions; drivers clear it away too, with passes that run over all of it several times.
 *
 * Which values are computed from which, and in which order, is not touched. No OpPhi is made: shaders/meson.build.
 */
#ifndef COMPUTE_SPIRV_TIDY_H
#define COMPUTE_SPIRV_TIDY_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* In place; of code that spirv_check() found well-formed. Errors: no memory. */
enum status spirv_tidy(uint32_t *words, size_t *word_count) MUST_CHECK;

#endif
