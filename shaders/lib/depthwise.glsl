/*
 * What the conv2d_depthwise*.comp kernels share. All is known when a kernel is built: loops are written out, and arrays
 * become registers.
 */
#include "padding.glsl"
#include "window.glsl"

layout(constant_id = 1) const int ROWS = 1; /* that an invocation works on, at most DEPTHWISE_ROWS */

layout(local_size_x = RANGE_LOCAL_SIZE) in;

const int POSITIONS = KERNEL_HEIGHT * KERNEL_WIDTH;

/*
 * The row or column of the kernel by which place `at` of a block takes the `read`th that the block reads, `first` being
 * the first of these; -1: none.
 */
int tap(uint backward, int at, int read, int first, int kernel, int stride, int padding, int dilation)
{
    int distance = backward == 0 ? read - at * stride : at + padding - (first + read) * stride;
    return distance >= 0 && distance % dilation == 0 && distance / dilation < kernel ? distance / dilation : -1;
}

#define FOR_READ(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)
#define FOR_SUM(X)                                                                                                     \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) X(18) X(19)      \
    X(20) X(21) X(22) X(23) X(24)
