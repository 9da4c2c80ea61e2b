#include "bench/cases.h"

#include <stddef.h>

#include "base/shape_tables.h"

/*
 * A linear layer is three products: forward X W^T (samples x features x inputs), to data dY W, to weights dY^T X; so
 * the shapes of products are met by choice of samples, inputs and features.
 */
const struct bench_case bench_cases[] = {
    {"matmul 1024 x 1024 x 1024", "linear", "features = 1024\nbias = no", {VECTOR(1024)}, 1, 1024},
    {"matmul 512 x 2048 x 512", "linear", "features = 2048\nbias = no", {VECTOR(512)}, 1, 512},
    {"matmul 12544 x 64 x 576", "linear", "features = 64\nbias = no", {VECTOR(576)}, 1, 12544},
    {"matmul 128 x 512 x 768", "linear", "features = 512\nbias = no", {VECTOR(768)}, 1, 128},
    {"conv2d 3x3", "conv2d", "channels = 64\nkernel = 3\npadding = 1\nbias = no", {IMAGE(64, 56, 56)}, 1, 8},
    {"conv2d 3x3 few pixels",
     "conv2d",
     "channels = 512\nkernel = 3\npadding = 1\nbias = no",
     {IMAGE(512, 4, 4)},
     1,
     32},
    {"conv2d 1x1", "conv2d", "channels = 256\nkernel = 1\nbias = no", {IMAGE(64, 56, 56)}, 1, 8},
    {"conv2d 5x5", "conv2d", "channels = 50\nkernel = 5", {IMAGE(20, 12, 12)}, 1, 64},
    {"conv2d 5x5 one channel", "conv2d", "channels = 20\nkernel = 5", {IMAGE(1, 28, 28)}, 1, 64},
    {"conv2d 3x3 stride 2",
     "conv2d",
     "channels = 128\nkernel = 3\nstride = 2\npadding = 1\nbias = no",
     {IMAGE(64, 56, 56)},
     1,
     8},
    {"conv2d 7x7 stride 2",
     "conv2d",
     "channels = 64\nkernel = 7\nstride = 2\npadding = 3\nbias = no",
     {IMAGE(3, 224, 224)},
     1,
     8},
    {"conv2d 3x3 depthwise",
     "conv2d",
     "channels = 64\nkernel = 3\npadding = 1\ngroups = 64\nbias = no",
     {IMAGE(64, 56, 56)},
     1,
     8},
    {"conv2d 3x3 32 groups",
     "conv2d",
     "channels = 128\nkernel = 3\npadding = 1\ngroups = 32\nbias = no",
     {IMAGE(128, 28, 28)},
     1,
     8},
    {"batch_norm", "batch_norm", "", {IMAGE(64, 56, 56)}, 1, 8},
    {"softmax_cross_entropy", "softmax_cross_entropy", "", {VECTOR(1000), SCALAR}, 2, 1024},
    {"relu", "relu", "", {IMAGE(64, 56, 56)}, 1, 8},
    {"add", "add", "", {IMAGE(64, 56, 56), IMAGE(64, 56, 56)}, 2, 8},
    {"dropout", "dropout", "", {IMAGE(64, 56, 56)}, 1, 8},
    {"max_pool2d 2x2", "max_pool2d", "kernel = 2", {IMAGE(64, 56, 56)}, 1, 8},
    {"max_pool2d 3x3 stride 2", "max_pool2d", "kernel = 3\nstride = 2\npadding = 1", {IMAGE(64, 112, 112)}, 1, 8},
    {"global_avg_pool2d", "global_avg_pool2d", "", {IMAGE(512, 7, 7)}, 1, 32},
    {"update sgd", "sgd", "", {VECTOR(8388608)}, 1, 0},
    {"update adamw", "adamw", "", {VECTOR(8388608)}, 1, 0},
    {.name = NULL},
};
