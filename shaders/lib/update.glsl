/*
 * What the optimisers' updates share. Values and slots are read as texels, which CPUs read best, and written through
 * storage buffers over the same memory: an invocation reads only what it alone writes, and before it writes, so the
 * two views are not declared restrict. SPACING is how far apart an invocation's fours lie: 1 (neighbours share a group:
 * CPUs) or UPDATE_INVOCATIONS (invocations read side by side: GPUs).
 */
#include "../step.h"
#include "../update.h"

layout(local_size_x = UPDATE_INVOCATIONS) in;
layout(constant_id = 0) const uint SPACING = 1;

layout(binding = 0, r32ui) readonly restrict uniform uimageBuffer group_table;
layout(std430, binding = 1) readonly restrict buffer Step
{
    step_scalars scalars;
};
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer gradients;
layout(binding = 3, rgba32f) readonly uniform imageBuffer values;
layout(std430, binding = 4) writeonly buffer Values
{
    vec4 new_values[];
};
layout(push_constant) uniform Push
{
    update_push push;
};

/* The scalars that all elements share, read once: a compiler cannot know that no write changes them. */
struct update_scalars {
    float clip_scale;
    float buffer_scale;
    float momentum;
    float beta2;
    float epsilon;
    float bias_correction1;
    float bias_correction2;
    float complement1;
    float complement2;
    bool nesterov;
};

/* The rule, which the shader defines: moves four values and their slots. */
void update(int four, update_group group, update_scalars now);

update_scalars update_read_scalars()
{
    return update_scalars(scalars.clip_scale, scalars.buffer_scale, scalars.momentum, scalars.beta2, scalars.epsilon,
                          scalars.bias_correction1, scalars.bias_correction2, scalars.complement1, scalars.complement2,
                          scalars.nesterov != 0);
}

update_group update_group_of(int four)
{
    uint entry = imageLoad(group_table, int(push.first_entry) + four / UPDATE_GROUP_FOURS).x;
    return scalars.groups[min(entry, STEP_MAX_GROUPS - 1)];
}

/* A running average takes its step. */
void update_average(int four, update_group group, update_scalars now)
{
    vec4 observed = imageLoad(gradients, four) * now.buffer_scale;
    new_values[four] = (1.0 - group.momentum) * imageLoad(values, four) + group.momentum * observed;
}

void main()
{
    uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    if (workgroup >= push.total) {
        return;
    }
    uint lane = gl_LocalInvocationID.x;
    int first =
        int(workgroup * UPDATE_INVOCATIONS * UPDATE_FOURS + (SPACING == 1 ? lane * UPDATE_FOURS : lane));
    update_scalars now = update_read_scalars();
    update_group group = update_group_of(first);
    for (int i = 0; i < UPDATE_FOURS; i++) {
        int four = first + i * int(SPACING);
        if (SPACING != 1) {
            group = update_group_of(four);
        }
        if (group.is_buffer != 0) {
            update_average(four, group, now);
        } else {
            update(four, group, now);
        }
    }
}
