#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Adam (Kingma and Ba 2015) as in torch.optim.Adam; DECOUPLED: AdamW (Loshchilov and Hutter 2019):
 *     Adam: g = gradient + decay * value            AdamW: value = (1 - rate * decay) * value, g = gradient
 *     m = beta1 * m + (1 - beta1) * g               v = beta2 * v + (1 - beta2) * g^2
 *     value = value - rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 */
#include "lib/update.glsl"

layout(constant_id = 1) const bool DECOUPLED = false;

layout(binding = 5, rgba32f) readonly uniform imageBuffer first_moments;
layout(std430, binding = 6) writeonly buffer FirstMoments
{
    vec4 new_first_moments[];
};
layout(binding = 7, rgba32f) readonly uniform imageBuffer second_moments;
layout(std430, binding = 8) writeonly buffer SecondMoments
{
    vec4 new_second_moments[];
};

void update(int four, update_group group, update_scalars now)
{
    vec4 value = imageLoad(values, four);
    vec4 gradient = imageLoad(gradients, four) * now.clip_scale;
    if (DECOUPLED) {
        value *= 1.0 - group.learning_rate * group.weight_decay;
    } else {
        gradient += group.weight_decay * value;
    }
    vec4 first = now.momentum * imageLoad(first_moments, four) + now.complement1 * gradient;
    vec4 second = now.beta2 * imageLoad(second_moments, four) + now.complement2 * gradient * gradient;
    new_first_moments[four] = first;
    new_second_moments[four] = second;
    vec4 size = sqrt(second) / sqrt(now.bias_correction2) + now.epsilon;
    new_values[four] = value - group.learning_rate / now.bias_correction1 * first / size;
}
