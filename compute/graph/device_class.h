/* Kinds of devices that kernels differ by; one helper (compute/kernels/) chooses, never a layer. */
#ifndef COMPUTE_GRAPH_DEVICE_CLASS_H
#define COMPUTE_GRAPH_DEVICE_CLASS_H

#include <stdint.h>

enum device_class { CLASS_CPU, CLASS_GPU, CLASS_GPU_MATRIX, CLASS_COUNT };
extern const char *const device_class_names[]; /* "cpu", "gpu", "gpu with cooperative matrix", NULL */

/*
 * Of devices that multiply matrices: rows x depth by depth x columns halves, added to rows x columns floats, by the
 * invocations of one subgroup. All 0: they do not.
 */
struct matrix_fragment {
    uint32_t rows, columns, depth;
    uint32_t subgroup; /* invocations */
};

#endif
