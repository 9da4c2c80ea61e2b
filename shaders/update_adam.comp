#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Adam (Kingma and Ba 2015) as in torch.optim.Adam; DECOUPLED: AdamW (Loshchilov and Hutter 2019):
 *     Adam: g = gradient + decay * value            AdamW: value = (1 - rate * decay) * value, g = gradient
 *     m = beta1 * m + (1 - beta1) * g               v = beta2 * v + (1 - beta2) * g^2
 *     value = value - rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
 */
#define UPDATE_SLOTS 2 /* first and second moments */
#include "lib/update.glsl"

layout(constant_id = 0) const bool DECOUPLED = false;

void update(inout update_four four, vec4 gradient, update_group group, update_scalars now)
{
    if (DECOUPLED) {
        four.value *= 1.0 - group.learning_rate * group.weight_decay;
    } else {
        gradient += group.weight_decay * four.value;
    }
    vec4 first = now.momentum * four.slots[0] + now.complement1 * gradient;
    vec4 second = now.beta2 * four.slots[1] + now.complement2 * gradient * gradient;
    four.slots[0] = first;
    four.slots[1] = second;
    vec4 size = sqrt(second) / sqrt(now.bias_correction2) + now.epsilon;
    four.value -= group.learning_rate / now.bias_correction1 * first / size;
}
