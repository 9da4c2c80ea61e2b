/* How a dispatch gets what shaders/lib/epilogue.glsl wants; for kernels that include it. */
#ifndef COMPUTE_KERNELS_EPILOGUE_H
#define COMPUTE_KERNELS_EPILOGUE_H

#include "compute/graph/layer.h"
#include "shaders/map.h"

/* Sets the constants from `first`, the shader's EPILOGUE_ID, on; `epilogue` does not normalise. */
void epilogue_add_map(struct dispatch *dispatch, int first, const struct epilogue *epilogue);
/* The same, and appends the binding of the rows; for shaders with EPILOGUE_BINDING. NULL: no epilogue. */
void epilogue_add(struct dispatch *dispatch, int first, const struct epilogue *epilogue);

/* For the shader's map_channels(). */
struct map_channels epilogue_channels(struct shape shape);
/* A slope as a specialization constant. */
uint32_t epilogue_slope(struct map map);

#endif
