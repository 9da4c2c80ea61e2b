/* How a dispatch gets what shaders/lib/epilogue.glsl wants; for kernels that include it. */
#ifndef COMPUTE_KERNELS_EPILOGUE_H
#define COMPUTE_KERNELS_EPILOGUE_H

#include "compute/graph/layer.h"
#include "shaders/map.h"

/* Sets the constants from `first`, the shader's EPILOGUE_ID, on; `epilogue` neither normalises nor adds. */
void epilogue_add_map(struct dispatch *dispatch, int first, const struct epilogue *epilogue);
/* The same where it may add, and appends the binding EPILOGUE_RESIDUAL. */
void epilogue_add_residual(struct dispatch *dispatch, int first, const struct epilogue *epilogue);
/* All of it: appends the bindings EPILOGUE_ROWS and EPILOGUE_RESIDUAL. NULL: no epilogue. */
void epilogue_add(struct dispatch *dispatch, int first, const struct epilogue *epilogue);

/* For the shader's map_channels(). */
struct map_channels epilogue_channels(struct shape shape);
/* A slope as a specialization constant. */
uint32_t epilogue_slope(struct map map);

#endif
