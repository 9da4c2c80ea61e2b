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

/* made = scale * given, or 0 where the bit in `word` is: the vectors of an invocation whose register begins at `begin`. */
#define DROP(made, given, begin, word)                                                                                 \
    DROP_TURN(made, given, begin, word, 0)                                                                             \
    DROP_TURN(made, given, begin, word, 1)                                                                             \
    DROP_TURN(made, given, begin, word, 2)                                                                             \
    DROP_TURN(made, given, begin, word, 3)                                                                             \
    DROP_TURN(made, given, begin, word, 4)                                                                             \
    DROP_TURN(made, given, begin, word, 5)                                                                             \
    DROP_TURN(made, given, begin, word, 6)                                                                             \
    DROP_TURN(made, given, begin, word, 7)
#define DROP_TURN(made, given, begin, word, turn)                                                                      \
    {                                                                                                                  \
        uint at = dropout_first((begin) + LANE) + turn * NEIGHBOURS;                                                   \
        bvec4 kept = notEqual(uvec4(word) & (uvec4(1, 2, 4, 8) << turn * 4), uvec4(0));                                \
        STORE(made, at < push.part.count, at, (begin) * DROPOUT_TURNS + turn * NEIGHBOURS,                             \
              mix(vec4(0), push.scale * imageLoad(given, int(at)), kept))                                              \
    }
