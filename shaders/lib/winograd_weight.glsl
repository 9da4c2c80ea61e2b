/* What the kernels between weights and products have in common: an invocation takes a vector of an input's outputs. */
#include "lib/store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;
PUSH(winograd_weight_push)

/* Where the vector lies in the panels of weights, and in those of a product. */
struct spot {
    uint weights, products;
    uint step; /* from one kernel position of weights to the next */
};

spot find_spot(uint index)
{
    uint row = divide(index, push.vectors); /* input */
    uint column = index - row * push.vectors.value;
    uint panel = column / WINOGRAD_PANEL * WINOGRAD_PANEL;
    uint width = min(WINOGRAD_PANEL, push.vectors.value - panel);
    uint place = row * width + column - panel;
    return spot(panel * 9 * push.inputs + place, panel * push.inputs + place, push.inputs * width);
}
