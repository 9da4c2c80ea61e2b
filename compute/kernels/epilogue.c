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
    assert(!epilogue->normalises && !epilogue->adds && first + 2 <= DISPATCH_MAX_CONSTANTS);
    dispatch->constants[first] = epilogue->map.function;
    dispatch->constants[first + 1] = epilogue_slope(epilogue->map);
    dispatch->constant_count = first + 2;
}

/* Something must be bound: what is read anyway. */
static void bind_if(struct dispatch *dispatch, bool used, struct binding binding)
{
    dispatch->bindings[dispatch->binding_count++] = used ? binding : dispatch->bindings[0];
}

static void set_constants(struct dispatch *dispatch, int first, const struct epilogue *epilogue)
{
    struct epilogue map = {.map = epilogue->map};
    epilogue_add_map(dispatch, first, &map);
    dispatch->constants[dispatch->constant_count++] =
        (epilogue->normalises ? EPILOGUE_NORMALISES : 0U) + (epilogue->adds ? EPILOGUE_ADDS : 0U);
    assert(dispatch->constant_count <= DISPATCH_MAX_CONSTANTS);
}

void epilogue_add_residual(struct dispatch *dispatch, int first, const struct epilogue *epilogue)
{
    assert(!epilogue->normalises);
    set_constants(dispatch, first, epilogue);
    bind_if(dispatch, epilogue->adds, epilogue->residual);
}

void epilogue_add(struct dispatch *dispatch, int first, const struct epilogue *epilogue)
{
    static const struct epilogue none = {0};
    const struct epilogue *used = epilogue != NULL ? epilogue : &none;
    set_constants(dispatch, first, used);
    bind_if(dispatch, used->normalises, used->rows);
    bind_if(dispatch, used->adds, used->residual);
}
