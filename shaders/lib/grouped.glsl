/* What the conv2d_grouped_*.comp kernels share. The window is known when a kernel is built: its loops are written out. */
layout(constant_id = 0) const uint MODE = GROUPED_ANY;
layout(constant_id = 1) const uint GROUP_INPUTS = 1;
layout(constant_id = 2) const uint GROUP_OUTPUTS = 1;
layout(constant_id = 3) const uint KERNEL_HEIGHT = 1;
layout(constant_id = 4) const uint KERNEL_WIDTH = 1;
layout(constant_id = 5) const uint STRIDE_HEIGHT = 1;
layout(constant_id = 6) const uint STRIDE_WIDTH = 1;
layout(constant_id = 7) const uint PADDING_HEIGHT = 0;
layout(constant_id = 8) const uint PADDING_WIDTH = 0;
layout(constant_id = 9) const uint DILATION_HEIGHT = 1;
layout(constant_id = 10) const uint DILATION_WIDTH = 1;

layout(local_size_x = RANGE_LOCAL_SIZE) in;

/* Texel that lies outside every view: it reads as 0 (robustBufferAccess2, which the engine enables). */
const int OUTSIDE = -0x40000000;
const uvec4 FOUR = uvec4(0, 1, 2, 3);

/* Zeros in the channel padding. */
vec4 without_padding(vec4 value, uint vector, uint channels)
{
    return mix(vec4(0), value, lessThan(vector * 4 + FOUR, uvec4(channels)));
}
