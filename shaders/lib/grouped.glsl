/* What the conv2d_grouped_*.comp kernels share. */
#include "padding.glsl"
#include "window.glsl"

layout(constant_id = 0) const uint MODE = GROUPED_ANY;
layout(constant_id = 1) const uint GROUP_INPUTS = 1;
layout(constant_id = 2) const uint GROUP_OUTPUTS = 1;

layout(local_size_x = RANGE_LOCAL_SIZE) in;
