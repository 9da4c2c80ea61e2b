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

/* The first four of this invocation, -1 where it has none. */
int update_first_four()
{
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    if (group >= push.total) {
        return -1;
    }
    uint lane = gl_LocalInvocationID.x;
    return int(group * UPDATE_INVOCATIONS * UPDATE_FOURS + (SPACING == 1 ? lane * UPDATE_FOURS : lane));
}

update_group update_group_of(int four)
{
    uint entry = imageLoad(group_table, int(push.first_entry) + four / UPDATE_GROUP_FOURS).x;
    return scalars.groups[min(entry, STEP_MAX_GROUPS - 1)];
}

/* A running average takes its step. */
void update_average(int four, update_group group)
{
    vec4 observed = imageLoad(gradients, four) * scalars.buffer_scale;
    new_values[four] = (1.0 - group.momentum) * imageLoad(values, four) + group.momentum * observed;
}
