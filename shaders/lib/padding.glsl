/* The zeros around tensors: outside a view, and in the channel padding. */
#ifndef LIB_PADDING
#define LIB_PADDING

/* Texel that lies outside every view, also twice: it reads as 0 (robustBufferAccess2, which the engine enables). */
const int OUTSIDE = -0x40000000;
/* Channels of a vector. */
const uvec4 FOUR = uvec4(0, 1, 2, 3);

/* Zeros in the channel padding; `vector` is the place among those of `channels` channels. */
vec4 without_padding(vec4 value, uint vector, uint channels)
{
    return mix(vec4(0), value, lessThan(vector * 4 + FOUR, uvec4(channels)));
}

#endif
