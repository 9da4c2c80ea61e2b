/* Kinds of devices that kernels differ by; one helper (compute/kernels/) chooses, never a layer. */
#ifndef COMPUTE_GRAPH_DEVICE_CLASS_H
#define COMPUTE_GRAPH_DEVICE_CLASS_H

enum device_class { CLASS_CPU, CLASS_GPU, CLASS_GPU_MATRIX, CLASS_COUNT };
extern const char *const device_class_names[]; /* "cpu", "gpu", "gpu with cooperative matrix", NULL */

#endif
