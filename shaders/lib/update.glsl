/*
 * What the optimisers' updates share. The shader defines, before including this,
 *   UPDATE_SLOTS     1 or 2
 * and behind it the rule, update(). Values and slots are read as texels, which CPUs read best, and written through
 * storage buffers over the same memory: an invocation reads only what it alone makes, and before that is written, so the
 * two views are not declared restrict.
 */
#include "../step.h"
#include "../update.h"
#include "store.glsl"

/* Whose fours lie side by side, with every turn. */
#ifdef CPU
const uint NEIGHBOURS = LANES;
#else
const uint NEIGHBOURS = UPDATE_INVOCATIONS;
#endif

layout(local_size_x = UPDATE_INVOCATIONS) in;

layout(binding = 0, r32ui) readonly restrict uniform uimageBuffer group_table;
layout(std430, binding = 1) readonly restrict buffer Step
{
    step_scalars scalars;
};
layout(binding = 2, rgba32f) readonly restrict uniform imageBuffer gradients;
layout(binding = 3, rgba32f) readonly uniform imageBuffer values;
OUTPUT_OVER(4, new_values)
layout(binding = 5, rgba32f) readonly uniform imageBuffer slots0;
OUTPUT_OVER(6, new_slots0)
#if UPDATE_SLOTS > 1
layout(binding = 7, rgba32f) readonly uniform imageBuffer slots1;
OUTPUT_OVER(8, new_slots1)
#endif
PUSH(update_push)

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

/* Four values and their slots. */
struct update_four {
    vec4 value;
    vec4 slots[UPDATE_SLOTS];
};

/* The rule, which the shader defines: moves four values and their slots. */
void update(inout update_four four, vec4 gradient, update_group group, update_scalars now);

update_scalars update_read_scalars()
{
    return update_scalars(scalars.clip_scale, scalars.buffer_scale, scalars.momentum, scalars.beta2, scalars.epsilon,
                          scalars.bias_correction1, scalars.bias_correction2, scalars.complement1, scalars.complement2,
                          scalars.nesterov != 0);
}

/* For CPUs the same group for all lanes of a register: they read it once. */
update_group update_group_of(uint four)
{
    uint entry = imageLoad(group_table, int(push.first_entry + four / UPDATE_GROUP_FOURS)).x;
    return scalars.groups[uniform_digit(min(entry, STEP_MAX_GROUPS - 1))];
}

update_four update_move(uint at, update_group group, update_scalars now)
{
    update_four four;
    four.value = imageLoad(values, int(at));
    four.slots[0] = imageLoad(slots0, int(at));
#if UPDATE_SLOTS > 1
    four.slots[1] = imageLoad(slots1, int(at));
#endif
    vec4 gradient = imageLoad(gradients, int(at));
    if (group.is_buffer != 0) {
        /* A running average takes its step. */
        four.value = (1.0 - group.momentum) * four.value + group.momentum * (gradient * now.buffer_scale);
    } else {
        update(four, gradient * now.clip_scale, group, now);
    }
    return four;
}

#if UPDATE_SLOTS > 1
#define UPDATE_STORE_SLOTS(exists, at, four)                                                                       \
    STORE(new_slots0, exists, at, four.slots[0])                                                                   \
    STORE(new_slots1, exists, at, four.slots[1])
#else
#define UPDATE_STORE_SLOTS(exists, at, four) STORE(new_slots0, exists, at, four.slots[0])
#endif

#define UPDATE(turn)                                                                                                   \
    {                                                                                                                  \
        uint at = first + turn * NEIGHBOURS;                                                                           \
        if (turn * NEIGHBOURS % UPDATE_GROUP_FOURS == 0) {                                                             \
            group = update_group_of(at);                                                                               \
        }                                                                                                              \
        update_four four = update_move(at, group, now);                                                                \
        STORE(new_values, true, at, four.value)                                                                        \
        UPDATE_STORE_SLOTS(group.is_buffer == 0, at, four)                                                             \
    }

void main()
{
    uint workgroup = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint piece = workgroup * (UPDATE_INVOCATIONS / NEIGHBOURS) + gl_LocalInvocationID.x / NEIGHBOURS;
    uint first = piece * (NEIGHBOURS * UPDATE_FOURS) + gl_LocalInvocationID.x % NEIGHBOURS;
    update_scalars now = update_read_scalars();
    update_group group;
    UPDATE(0)
    UPDATE(1)
    UPDATE(2)
    UPDATE(3)
}
