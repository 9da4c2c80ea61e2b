#version 450
// y = factor * x + BIAS, in vectors of four.
layout(local_size_x = 8) in;
layout(constant_id = 0) const float BIAS = 0;
layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer x;
layout(std430, binding = 1) writeonly restrict buffer Y { vec4 y[]; };
layout(push_constant) uniform Push { uint count; float factor; };

void main()
{
    uint i = gl_GlobalInvocationID.x;
    if (i < count) {
        y[i] = imageLoad(x, int(i)) * factor + BIAS;
    }
}
