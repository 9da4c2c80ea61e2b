#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Stochastic gradient descent as in torch.optim.SGD, from a momentum of zeros:
 *     g = gradient + decay * value      m = momentum * m + g
 *     value = value - rate * m          (Nesterov: value - rate * (g + momentum * m))
 */
#include "lib/update.glsl"

layout(binding = 5, rgba32f) readonly uniform imageBuffer momenta;
layout(std430, binding = 6) writeonly buffer Momenta
{
    vec4 new_momenta[];
};

void update(int four, update_group group, update_scalars now)
{
    vec4 value = imageLoad(values, four);
    vec4 gradient = imageLoad(gradients, four) * now.clip_scale + group.weight_decay * value;
    vec4 momentum = now.momentum * imageLoad(momenta, four) + gradient;
    new_momenta[four] = momentum;
    new_values[four] =
        value - group.learning_rate * (now.nesterov ? gradient + now.momentum * momentum : momentum);
}
