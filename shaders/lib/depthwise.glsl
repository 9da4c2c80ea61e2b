/*
 * What the conv2d_depthwise*.comp kernels share. All is known when a kernel is built: loops are written out, and arrays
 * become registers.
 */
layout(constant_id = 1) const int ROWS = 1; /* that an invocation works on, at most DEPTHWISE_ROWS */
layout(constant_id = 3) const int KERNEL_HEIGHT = 1;
layout(constant_id = 4) const int KERNEL_WIDTH = 1;
layout(constant_id = 5) const int STRIDE_HEIGHT = 1;
layout(constant_id = 6) const int STRIDE_WIDTH = 1;
layout(constant_id = 7) const int PADDING_HEIGHT = 0;
layout(constant_id = 8) const int PADDING_WIDTH = 0;
layout(constant_id = 9) const int DILATION_HEIGHT = 1;
layout(constant_id = 10) const int DILATION_WIDTH = 1;

layout(local_size_x = RANGE_LOCAL_SIZE) in;

const int POSITIONS = KERNEL_HEIGHT * KERNEL_WIDTH;
/* Texel that lies outside every view, also twice: it reads as 0 (robustBufferAccess2, which the engine enables). */
const int OUTSIDE = -0x40000000;
const uvec4 FOUR = uvec4(0, 1, 2, 3);

/*
 * The row or column of the kernel by which place `at` of a block takes the `read`th that the block reads, `first` being
 * the first of these; -1: none.
 */
int tap(uint backward, int at, int read, int first, int kernel, int stride, int padding, int dilation)
{
    int distance = backward == 0 ? read - at * stride : at + padding - (first + read) * stride;
    return distance >= 0 && distance % dilation == 0 && distance / dilation < kernel ? distance / dilation : -1;
}

/* Zeros in the channel padding. */
vec4 without_padding(vec4 value, uint vector, uint channels)
{
    return mix(vec4(0), value, lessThan(vector * 4 + FOUR, uvec4(channels)));
}

#define FOR_READ(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)
