#include "base/random.h"

#include <math.h>

enum { ROUNDS = 10 };

struct random_block random_philox(uint32_t key0, uint32_t key1, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3)
{
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53U * c0;
        uint64_t product1 = (uint64_t)0xCD9E8D57U * c2;
        uint32_t next0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        uint32_t next2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c1 = (uint32_t)product1;
        c3 = (uint32_t)product0;
        c0 = next0;
        c2 = next2;
        key0 += 0x9E3779B9U;
        key1 += 0xBB67AE85U;
    }
    return (struct random_block){{c0, c1, c2, c3}};
}

void random_init(struct random *random, uint64_t seed, enum random_stream stream, uint64_t item)
{
    *random =
        (struct random){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)}, .stream = (uint32_t)stream, .item = item};
}

uint32_t random_next(struct random *random)
{
    uint32_t lane = random->position % 4;
    if (lane == 0) {
        random->block = random_philox(random->key[0], random->key[1], random->position / 4, random->stream,
                                      (uint32_t)random->item, (uint32_t)(random->item >> 32));
    }
    random->position++;
    return random->block.word[lane];
}

double random_uniform(struct random *random, double low, double high)
{
    return low + (high - low) * (double)random_float(random_next(random));
}

double random_normal(struct random *random)
{
    /* 1 - u is in (0, 1], so the logarithm is finite. */
    double radius = sqrt(-2.0 * log(1.0 - (double)random_float(random_next(random))));
    return radius * cos(6.283185307179586 * (double)random_float(random_next(random)));
}

uint32_t random_below(struct random *random, uint32_t bound)
{
    /* Words below `reject` would make the small remainders likelier. */
    uint32_t reject = (0U - bound) % bound;
    uint32_t word;
    do {
        word = random_next(random);
    } while (word < reject);
    return word % bound;
}
