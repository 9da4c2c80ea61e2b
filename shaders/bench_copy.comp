#version 450
/* What memory gives at best: read as kernels of layers read, and written. */
layout(constant_id = 0) const uint SPACING = 1; /* of an invocation's vectors */

layout(local_size_x = 64) in;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Output
{
    vec4 y[];
};

void main()
{
    uint lane = gl_LocalInvocationID.x;
    uint first = gl_WorkGroupID.x * 256 + (SPACING == 1 ? lane * 4 : lane);
    y[first] = imageLoad(x, int(first));
    y[first + SPACING] = imageLoad(x, int(first + SPACING));
    y[first + 2 * SPACING] = imageLoad(x, int(first + 2 * SPACING));
    y[first + 3 * SPACING] = imageLoad(x, int(first + 3 * SPACING));
}
