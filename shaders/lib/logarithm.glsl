/*
 * The natural logarithm to within about one unit in the last place. Vulkan lets log() be off by 2^-21 near 1, which is
 * where a loss that has almost been learned lies. The method is that of FreeBSD's logf: x = 2^e m with m in
 * [sqrt(1/2), sqrt(2)), and log(m) from an even polynomial in (m - 1) / (m + 1). Exponents are taken with integers, so
 * that infinity and NaN give NaN on devices that assume there are none. For normal x > 0.
 */
float accurate_log(float x)
{
    uint bits = floatBitsToUint(x);
    if ((bits & 0x7f800000u) == 0x7f800000u) {
        return uintBitsToFloat(0x7fc00000u);
    }
    uint shifted = bits + (0x3f800000u - 0x3f3504f3u);
    float exponent = float(int(shifted >> 23) - 127);
    float f = uintBitsToFloat((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    float s = f / (2.0 + f);
    float z = s * s;
    float w = z * z;
    float rest = z * (0.66666662693 + w * 0.28498786688) + w * (0.40000972152 + w * 0.24279078841);
    float half_square = 0.5 * f * f;
    return s * (half_square + rest) + exponent * 9.0580006145e-06 - half_square + f + exponent * 6.9313812256e-01;
}
