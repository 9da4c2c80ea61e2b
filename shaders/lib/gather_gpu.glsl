/* Loads of the left operand on GPUs. To be included behind lib/gather.glsl. */

/* As gather_load(), but nothing outside is read: not every GPU has robustBufferAccess2. */
vec4 load_texel(int texel)
{
    return texel >= 0 ? imageLoad(left, texel) : vec4(0);
}

vec4 load_left(gather_row row, gather_step step, gather_sizes from)
{
    vec4 value = load_texel(gather_texel(row, step.channel, step.y.x, step.x.x, from));
    if (GATHER == GATHER_SINGLE) {
        value.y = load_texel(gather_texel(row, step.channel, step.y.y, step.x.y, from)).x;
        value.z = load_texel(gather_texel(row, step.channel, step.y.z, step.x.z, from)).x;
        value.w = load_texel(gather_texel(row, step.channel, step.y.w, step.x.w, from)).x;
    }
    return value;
}
