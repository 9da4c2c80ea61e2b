#version 450
// Everything that kernel_reflect() reads.
layout(local_size_x = 8, local_size_y = 2, local_size_y_id = 1) in;
layout(constant_id = 0) const bool FLAG = true;
layout(constant_id = 1) const uint HEIGHT = 2;
layout(constant_id = 3) const uint TILE = 16;
layout(binding = 0, rgba32f) readonly uniform imageBuffer float4;
layout(binding = 1, r32f) writeonly uniform imageBuffer float1;
layout(binding = 2, r32i) readonly uniform iimageBuffer int1;
layout(binding = 3, r32ui) uniform uimageBuffer uint1;
layout(std430, binding = 4) buffer Floats { float floats[]; };
layout(std430, binding = 4) readonly buffer Vectors { vec4 vectors[]; };
layout(std430, binding = 5) buffer Members { readonly uint head; readonly float tail[]; };
layout(std430, binding = 6) readonly buffer Again { vec4 again[]; };
layout(std430, binding = 6) buffer Otherwise { float otherwise[]; };
layout(push_constant) uniform Push { uint count; float table[3]; ivec2 pair; };
shared float tile[TILE * (TILE + 1)];
shared vec2 more[4];

void main()
{
    uint i = gl_LocalInvocationID.x;
    tile[i] = imageLoad(float4, int(i)).x + float(imageLoad(int1, int(i)).x) + vectors[i].x + tail[head];
    more[i % 4] = vec2(table[i % 3], pair.y);
    barrier();
    if (FLAG) {
        imageStore(uint1, int(i), imageLoad(uint1, int(i)) + count);
    }
    imageStore(float1, int(i), vec4(tile[7 - i] + more[0].x));
    otherwise[i] = 0; // used ahead of its twin, which floats are not: so neither is simply the last to be seen
    floats[i] = again[i].x;
}
