/*
 * What a kernel does to each element before it writes it, for layers that were absorbed (struct epilogue of
 * compute/graph/tape.h). The shader defines, before including this,
 *   EPILOGUE_ID         the first of its specialization constants
 *   EPILOGUE_ROWS       a binding, where its kernel can normalise
 *   EPILOGUE_RESIDUAL   a binding, where it can add
 * The channel padding must be set to zero behind it: by the shader, or where map_moves_zero(EPILOGUE_MAP).
 */
#include "map.glsl"

layout(constant_id = EPILOGUE_ID) const uint EPILOGUE_MAP = MAP_COPY;
layout(constant_id = EPILOGUE_ID + 1) const float EPILOGUE_SLOPE = 0.0;

/* As batch_norm does it; the same bits whatever a compiler likes to contract. */
vec4 normalise(vec4 x, vec4 mean, vec4 scale, vec4 shift)
{
    precise vec4 y = (x - mean) * scale + shift;
    return y;
}

/* For backward kernels: the gradient behind the map becomes the one before it; `y` is what the map made. */
vec4 epilogue_derivative(vec4 y, vec4 dy)
{
    return map_derivative(EPILOGUE_MAP, EPILOGUE_SLOPE, y, dy);
}

#ifdef EPILOGUE_RESIDUAL
layout(constant_id = EPILOGUE_ID + 2) const uint EPILOGUE_STEPS = 0;
const bool NORMALISE = EPILOGUE_STEPS == EPILOGUE_NORMALISES || EPILOGUE_STEPS == EPILOGUE_NORMALISES + EPILOGUE_ADDS;
const bool RESIDUAL = EPILOGUE_STEPS >= EPILOGUE_ADDS;
layout(binding = EPILOGUE_RESIDUAL, rgba32f) readonly restrict uniform imageBuffer residual; /* with RESIDUAL */

/* Vector `at` of the whole output; what a lane has that is outside of it may be anything. */
vec4 epilogue_apply(vec4 value, uint at)
{
    if (RESIDUAL) {
        value = as_written(value) + imageLoad(residual, int(at));
    }
    return map_apply(EPILOGUE_MAP, EPILOGUE_SLOPE, value);
}
#else
vec4 epilogue_apply(vec4 value)
{
    return map_apply(EPILOGUE_MAP, EPILOGUE_SLOPE, value);
}
#endif

#ifdef EPILOGUE_ROWS
layout(binding = EPILOGUE_ROWS, rgba32f) readonly restrict uniform imageBuffer epilogue_rows; /* with NORMALISE */

/* Of a vector of channels. */
struct epilogue {
    vec4 mean, scale, shift;
};

/* `vectors`: of all channels. */
epilogue epilogue_load(uint vector, uint vectors)
{
    if (!NORMALISE) {
        return epilogue(vec4(0), vec4(1), vec4(0));
    }
    return epilogue(imageLoad(epilogue_rows, int(vector)), imageLoad(epilogue_rows, int(vectors + vector)),
                    imageLoad(epilogue_rows, int(2 * vectors + vector)));
}

vec4 epilogue_apply(vec4 value, epilogue rows, uint at)
{
    if (NORMALISE) {
        value = normalise(value, rows.mean, rows.scale, rows.shift);
    }
    return epilogue_apply(value, at);
}
#endif
