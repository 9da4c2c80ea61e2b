#include "compute/kernels/epilogue.h"

#include <assert.h>
#include <string.h>

uint32_t epilogue_slope(struct map map)
{
    uint32_t bits;
    memcpy(&bits, &map.slope, sizeof bits);
    return bits;
}

struct map_channels epilogue_channels(struct shape shape)
{
    return (struct map_channels){.stride = divisor_of(shape_stride(shape) / 4), .count = (uint)shape_channels(shape)};
}

void epilogue_add_map(struct dispatch *dispatch, int first, const struct epilogue *epilogue)
{
    assert(!epilogue->normalises && first + 2 <= DISPATCH_MAX_CONSTANTS);
    dispatch->constants[first] = epilogue->map.function;
    dispatch->constants[first + 1] = epilogue_slope(epilogue->map);
    dispatch->constant_count = first + 2;
}

void epilogue_add(struct dispatch *dispatch, int first, const struct epilogue *epilogue)
{
    static const struct epilogue none = {0};
    struct epilogue used = epilogue != NULL ? *epilogue : none;
    bool normalises = used.normalises;
    used.normalises = false;
    epilogue_add_map(dispatch, first, &used);
    dispatch->constants[dispatch->constant_count++] = normalises;
    assert(dispatch->constant_count <= DISPATCH_MAX_CONSTANTS);
    /* Something must be bound: what is read anyway. */
    dispatch->bindings[dispatch->binding_count++] = normalises ? used.rows : dispatch->bindings[0];
}
