/* What the kernels between weights and products have in common: an invocation takes a vector of an input's outputs. */
#include "lib/store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
PUSH(winograd_weight_push)

/* Vectors are counted as they lie in the panels of a product. Where that one lies in the panels of weights. */
struct spot {
    uint weights;
    uint step; /* from one kernel position of weights to the next */
};

spot find_spot(uint index)
{
    uint panel = divide(index, push.panel_size) * WINOGRAD_PANEL;
    uint width = min(WINOGRAD_PANEL, push.vectors - panel);
    return spot(panel * 8 * push.inputs + index, push.inputs * width);
}
