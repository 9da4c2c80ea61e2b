/* What dropout_forward and dropout_backward share. */
#include "../dropout.h"
#include "store.glsl"

layout(local_size_x = RANGE_LOCAL_SIZE) in;

#ifdef CPU
const uint NEIGHBOURS = LANES;
#else
const uint NEIGHBOURS = 8;
#endif

/* An invocation's first vector in the part; the next one lies NEIGHBOURS further. */
uint dropout_first(uint invocation)
{
    return invocation / NEIGHBOURS * (NEIGHBOURS * DROPOUT_TURNS) + invocation % NEIGHBOURS;
}

/* made = scale * given, or 0 where the bit in `word` is: the vectors of an invocation, from its first on. */
#define DROP(made, given, first, word)                                                                                 \
    DROP_TURN(made, given, first, word, 0)                                                                             \
    DROP_TURN(made, given, first, word, 1)                                                                             \
    DROP_TURN(made, given, first, word, 2)                                                                             \
    DROP_TURN(made, given, first, word, 3)                                                                             \
    DROP_TURN(made, given, first, word, 4)                                                                             \
    DROP_TURN(made, given, first, word, 5)                                                                             \
    DROP_TURN(made, given, first, word, 6)                                                                             \
    DROP_TURN(made, given, first, word, 7)
#define DROP_TURN(made, given, first, word, turn)                                                                      \
    {                                                                                                                  \
        uint at = first + turn * NEIGHBOURS;                                                                           \
        bvec4 kept = notEqual(uvec4(word) & (uvec4(1, 2, 4, 8) << turn * 4), uvec4(0));                                \
        STORE(made, at < push.part.count, at, mix(vec4(0), push.scale * imageLoad(given, int(at)), kept))              \
    }
