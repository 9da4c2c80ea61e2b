#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * Stochastic gradient descent as in torch.optim.SGD, from a momentum of zeros:
 *     g = gradient + decay * value      m = momentum * m + g
 *     value = value - rate * m          (Nesterov: value - rate * (g + momentum * m))
 */
#define UPDATE_SLOTS 1 /* momentum */
#include "lib/update.glsl"

void update(inout update_four four, vec4 gradient, update_group group, update_scalars now)
{
    gradient += group.weight_decay * four.value;
    vec4 momentum = now.momentum * four.slots[0] + gradient;
    four.slots[0] = momentum;
    four.value -= group.learning_rate * (now.nesterov ? gradient + now.momentum * momentum : momentum);
}
