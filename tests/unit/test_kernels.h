/* The kernels under tests/shaders/. */
#ifndef TESTS_UNIT_TEST_KERNELS_H
#define TESTS_UNIT_TEST_KERNELS_H

#include "compute/kernel_table.h"

extern const struct kernel_code test_kernel_table[];
extern const size_t test_kernel_table_count;

#endif
