#include "compute/check_cases.h"

#include "base/memory.h"
#include "base/shape_tables.h"

/*
 * Odd sizes, so that tiles and vectors of four are not filled; a slope must not vanish, or there is nothing to check.
 */
const struct check_case check_cases[] = {
    {"linear", "features = 7\n", {VECTOR(13)}, 1, 4, 2, -1, 1, 0},
    {"linear", "features = 5\nbias = no\n", {SEQUENCE(3, 6)}, 1, 2, 2, -1, 1, 0},
    {"conv2d", "channels = 6\nkernel = 3\npadding = 1\n", {IMAGE(5, 6, 7)}, 1, 4, 2, -1, 1, 0},
    {"conv2d", "channels = 4\nkernel = 3x2\nstride = 2\ndilation = 2\n", {IMAGE(3, 9, 8)}, 1, 2, 1, -1, 1, 0},
    {"conv2d", "channels = 6\nkernel = 3\npadding = 1\ngroups = 3\n", {IMAGE(6, 5, 5)}, 1, 2, 2, -1, 1, 0},
    {"conv2d", "channels = 5\nkernel = 3\nstride = 2\npadding = 1\ngroups = 5\n", {IMAGE(5, 6, 6)}, 1, 2, 2, -1, 1, 0},
    /* Channels that fill registers of CPUs, which are then loaded and stored as they are. */
    {"conv2d", "channels = 64\nkernel = 3\npadding = 1\ngroups = 64\n", {IMAGE(64, 3, 5)}, 1, 2, 1, -1, 1, 0},
    {"conv2d", "channels = 64\nkernel = 3\npadding = 1\nalgorithm = winograd\n", {IMAGE(3, 5, 6)}, 1, 2, 1, -1, 1, 0},
    {"max_pool2d", "kernel = 2\n", {IMAGE(5, 6, 6)}, 1, 2, 2, -1, 1, 0},
    {"max_pool2d", "kernel = 3\nstride = 2\npadding = 1\n", {IMAGE(3, 7, 7)}, 1, 2, 1, -1, 1, 0},
    {"avg_pool2d", "kernel = 3\nstride = 2\npadding = 1\n", {IMAGE(5, 7, 6)}, 1, 2, 2, -1, 1, 0},
    {"avg_pool2d", "kernel = 2\npadding = 1\ncount_include_pad = no\n", {IMAGE(3, 7, 6)}, 1, 2, 2, -1, 1, 0},
    {"global_avg_pool2d", "", {IMAGE(5, 4, 3)}, 1, 2, 2, -1, 1, 0},
    {"batch_norm", "", {IMAGE(5, 4, 3)}, 1, 8, 2, -1, 1, 0},
    {"batch_norm", "statistics = global\n", {VECTOR(6)}, 1, 16, 4, -1, 1, 0},
    {"relu", "", {IMAGE(5, 4, 3)}, 1, 2, 2, -1, 1, 0},
    {"leaky_relu", "negative_slope = 0.3\n", {IMAGE(5, 4, 3)}, 1, 2, 2, -1, 1, 0},
    {"sigmoid", "", {VECTOR(13)}, 1, 4, 2, -2, 2, 0},
    {"tanh", "", {VECTOR(13)}, 1, 4, 2, -2, 2, 0},
    {"dropout", "p = 0.4\n", {IMAGE(5, 4, 3)}, 1, 2, 2, -1, 1, 0},
    {"flatten", "", {IMAGE(5, 4, 3)}, 1, 2, 2, -1, 1, 0},
    {"add", "", {IMAGE(5, 4, 3), IMAGE(5, 4, 3), IMAGE(5, 4, 3)}, 3, 2, 2, -1, 1, 0},
    {"softmax_cross_entropy", "", {VECTOR(7), SCALAR}, 2, 4, 2, -2, 2, 7},
    {"softmax_cross_entropy", "", {SEQUENCE(3, 5), VECTOR(3)}, 2, 2, 2, -2, 2, 5},
    {"mse", "", {IMAGE(3, 4, 3), IMAGE(3, 4, 3)}, 2, 4, 2, -1, 1, 0},
};
const int check_case_count = (int)COUNT_OF(check_cases);
