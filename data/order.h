/* Orders of samples: permutations that every rank draws alike. */
#ifndef DATA_ORDER_H
#define DATA_ORDER_H

#include <stdint.h>

#include "base/random.h"

/*
 * A uniform permutation of 0 .. count - 1 into order[count]: Fisher-Yates, a pure function of (seed, stream, item).
 * The item is the epoch for RANDOM_ORDER and 0 for RANDOM_SPLIT.
 */
void order_shuffle(uint64_t seed, enum random_stream stream, uint64_t item, uint32_t *order, uint32_t count);

#endif
