/*
 * What changes from step to step, in one small buffer that the host writes: command buffers are recorded once. Shared
 * by C and GLSL (std430: only 4-byte members).
 */
#ifndef SHADERS_STEP_H
#define SHADERS_STEP_H

#ifndef VULKAN                            /* which GLSL compilers define */
#include <sys/types.h>                    /* uint */
typedef struct update_group update_group; /* in GLSL a struct's name is a type by itself */
#endif

#define STEP_MAX_GROUPS 8

/* Hyperparameters of one group of parameters; the table of groups by block of 64 floats says who belongs where. */
struct update_group {
    float learning_rate; /* the schedule applied */
    float weight_decay;
    float momentum; /* of a running average, for groups of buffers */
    uint is_buffer; /* 1: running average instead of the optimiser's rule */
};

struct step_scalars {
    uint step; /* steps done before this one, from 0 */
    uint seed_low;
    uint seed_high;
    float loss_scale;   /* what a loss multiplies its gradient with: 1 / (global number of weighted samples) */
    float clip_scale;   /* every gradient is multiplied with it in the update: 1, or below where the norm was clipped */
    float buffer_scale; /* 1 / shards: makes a sum over shards the mean */
    float momentum;     /* SGD; beta1 of Adam */
    float beta2;
    float epsilon;
    float bias_correction1; /* 1 - beta1^t */
    float bias_correction2; /* 1 - beta2^t */
    float complement1;      /* 1 - beta1, rounded once: from a rounded beta1 it would be off by 1e-5 of itself */
    float complement2;      /* 1 - beta2 */
    uint nesterov;
    update_group groups[STEP_MAX_GROUPS];
};

#endif
