/*
 * Exponential functions to within a few units in the last place, where the built-in ones are not (Vulkan allows exp()
 * an error that grows with |x|, and tanh() one of 2^-11 absolute, which leaves nothing of it near 0; CPU drivers use
 * that freedom). Polynomials from Cephes (Moshier 1989: expf, tanhf). Infinity and NaN come out as they should, so
 * that a run that diverges is noticed.
 */

/* exp(x) / 2^n, with n so that it is about 1. */
vec4 exp_without_power(vec4 x, out ivec4 n)
{
    /* x = n ln 2 + r, with ln 2 in two parts so that r is exact. */
    precise vec4 whole = floor(x * 1.44269504088896341 + 0.5);
    precise vec4 r = (x - whole * 0.693359375) + whole * 2.12194440e-4;
    vec4 p = 1.9875691500e-4 * r + 1.3981999507e-3;
    p = p * r + 8.3334519073e-3;
    p = p * r + 4.1665795894e-2;
    p = p * r + 1.6666665459e-1;
    p = p * r + 5.0000001201e-1;
    n = ivec4(whole);
    return p * (r * r) + r + 1.0;
}

vec4 accurate_exp(vec4 x)
{
    /* Beyond these bounds the result is 0 or infinite. */
    precise vec4 bounded = clamp(x, -104.0, 89.0);
    ivec4 n;
    vec4 y = exp_without_power(bounded, n);
    /* 2^n in two factors: alone it may not be a normal number. */
    ivec4 half_of = n >> 1;
    y = y * intBitsToFloat((half_of + 127) << 23) * intBitsToFloat((n - half_of + 127) << 23);
    return mix(y, x, isnan(x));
}

/* The same for x that is not positive, in two thirds of the instructions: what is below 2^-125 becomes 0. */
vec4 accurate_exp_negative(vec4 x)
{
    ivec4 n;
    vec4 y = exp_without_power(x, n);
    return mix(y * intBitsToFloat((n + 127) << 23), vec4(0), lessThan(x, vec4(-86.6)));
}

vec4 accurate_sigmoid(vec4 x)
{
    return 1.0 / (1.0 + accurate_exp(-x));
}

vec4 accurate_tanh(vec4 x)
{
    vec4 z = abs(x);
    vec4 large = 1.0 - 2.0 / (accurate_exp(2.0 * z) + 1.0);
    large = mix(large, -large, lessThan(x, vec4(0)));
    vec4 s = x * x;
    vec4 p = -5.70498872745e-3 * s + 2.06390887954e-2;
    p = p * s - 5.37397155531e-2;
    p = p * s + 1.33314422036e-1;
    p = p * s - 3.33332819422e-1;
    return mix(large, p * s * x + x, lessThan(z, vec4(0.625)));
}
