#version 450
#extension GL_GOOGLE_include_directive : require
/*
 * One row is one prediction over CLASSES. The largest logit is taken out before exponentials are summed, so nothing
 * overflows. SHARERS invocations share a row: 1 where a device loops well (CPUs), all 64 where it coalesces (GPUs).
 */
#include "lib/logarithm.glsl"
#include "lib/math.glsl"
#include "lib/store.glsl"
#include "softmax_cross_entropy.h"
#include "step.h"

layout(local_size_x = 64) in;
layout(constant_id = 0) const uint CLASSES = 1;
layout(constant_id = 1) const uint SHARERS = 1;

layout(binding = 0, rgba32f) readonly restrict uniform imageBuffer prediction; /* [row][CLASSES rounded up to 4] */
layout(binding = 1, r32i) readonly restrict uniform iimageBuffer labels;       /* [row] */
layout(binding = 2, r32f) readonly restrict uniform imageBuffer weights;       /* [sample] */
layout(std430, binding = 3) readonly restrict buffer Step
{
    step_scalars scalars;
};
/* By row: weighted loss, weight, weighted correctness, 0. */
OUTPUT(4, losses)
/* By row, for the backward pass: largest logit, log of the sum of exponentials, factor of the gradient, label. */
OUTPUT(5, saved)
PUSH(softmax_cross_entropy_forward_push)

const uint STRIDE = (CLASSES + 3) / 4; /* in fours */
const float LOWEST = -3.402823466e+38;

shared float shared_value[64];
shared uint shared_class[64];

/* The padding loses against every logit and adds nothing to a sum of exponentials. */
vec4 logits(uint row, uint four)
{
    vec4 value = imageLoad(prediction, int(row * STRIDE + four));
    if (CLASSES % 4 != 0 && four == STRIDE - 1) {
        value = mix(value, vec4(LOWEST), greaterThanEqual(uvec4(four * 4) + uvec4(0, 1, 2, 3), uvec4(CLASSES)));
    }
    return value;
}

void take_larger(inout float best, inout uint best_class, float value, uint candidate)
{
    if (value > best || (value == best && candidate < best_class)) {
        best = value;
        best_class = candidate;
    }
}

void share_largest(uint lane, inout float best, inout uint best_class)
{
    shared_value[lane] = best;
    shared_class[lane] = best_class;
    barrier();
    for (uint span = SHARERS / 2; span > 0; span /= 2) {
        if (lane < span) {
            take_larger(best, best_class, shared_value[lane + span], shared_class[lane + span]);
            shared_value[lane] = best;
            shared_class[lane] = best_class;
        }
        barrier();
    }
    best = shared_value[0];
    best_class = shared_class[0];
    barrier();
}

void share_sum(uint lane, inout float total)
{
    shared_value[lane] = total;
    barrier();
    for (uint span = SHARERS / 2; span > 0; span /= 2) {
        if (lane < span) {
            total += shared_value[lane + span];
            shared_value[lane] = total;
        }
        barrier();
    }
    total = shared_value[0];
}

void main()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint lane = SHARERS == 1 ? 0 : gl_LocalInvocationID.x;
    uint own = SHARERS == 1 ? INVOCATION : group;
    uint row = min(own, push.rows - 1);

    float best = LOWEST;
    uint best_class = CLASSES;
    for (uint four = lane; four < STRIDE; four += SHARERS) {
        vec4 value = logits(row, four);
        take_larger(best, best_class, value.x, four * 4);
        take_larger(best, best_class, value.y, four * 4 + 1);
        take_larger(best, best_class, value.z, four * 4 + 2);
        take_larger(best, best_class, value.w, four * 4 + 3);
    }
    if (SHARERS > 1) {
        share_largest(lane, best, best_class);
    }

    vec4 totals = vec4(0);
    for (uint four = lane; four < STRIDE; four += SHARERS) {
        totals += accurate_exp_negative(logits(row, four) - best);
    }
    float total = (totals.x + totals.y) + (totals.z + totals.w);
    if (SHARERS > 1) {
        share_sum(lane, total);
    }

    int label = imageLoad(labels, int(row)).x;
    float weight = imageLoad(weights, int(divide(row, push.positions))).x;
    float log_total = accurate_log(total);
    bool valid = label >= 0 && label < int(CLASSES);
    uint place = valid ? uint(label) : 0;
    float chosen = imageLoad(prediction, int(row * STRIDE + place / 4))[place % 4];
    /* A label that names no class must be noticed: the loss and the gradient become NaN. */
    float loss = valid ? weight * (log_total - (chosen - best)) : uintBitsToFloat(0x7fc00000u);
    float factor = valid ? weight * scalars.loss_scale : uintBitsToFloat(0x7fc00000u);
    bool counts = weight != 0.0; /* what only fills up the batch may hold anything */
    bool exists = lane == 0 && own < push.rows;
    vec4 result = vec4(loss, weight, valid && best_class == place ? weight : 0.0, 0.0);
    STORE(losses, exists, row, counts ? result : vec4(0))
    STORE(saved, exists, row, counts ? vec4(best, log_total, factor, float(place)) : vec4(0))
}
