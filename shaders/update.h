/* Push constants of update_sgd and update_adam. */
#ifndef SHADERS_UPDATE_H
#define SHADERS_UPDATE_H

#ifndef VULKAN         /* which GLSL compilers define */
#include <sys/types.h> /* uint */
#endif

/* A workgroup updates UPDATE_INVOCATIONS x UPDATE_FOURS x 4 = 1,024 floats. */
#define UPDATE_INVOCATIONS 64
#define UPDATE_FOURS 4
/* Fours of the flat buffer that share an entry in the table of groups. */
#define UPDATE_GROUP_FOURS 16

struct update_push {
    uint first_entry; /* of the table of groups, for the first float */
};

#endif
