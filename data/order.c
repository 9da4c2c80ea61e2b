#include "data/order.h"

void order_shuffle(uint64_t seed, enum random_stream stream, uint64_t item, uint32_t *order, uint32_t count)
{
    struct random random;
    random_init(&random, seed, stream, item);
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (uint32_t left = count; left > 1; left--) {
        uint32_t chosen = random_below(&random, left);
        uint32_t kept = order[left - 1];
        order[left - 1] = order[chosen];
        order[chosen] = kept;
    }
}
