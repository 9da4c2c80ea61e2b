/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * A number is a pure function of (seed, stream, counter), so it does not depend on the number of ranks, on the order
 * of the work, nor on a resume. shaders/lib/philox.glsl gives the same words.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

/* What the numbers are for: different uses of one seed never meet. */
enum random_stream {
    RANDOM_INITIAL = 1, /* parameters:   (parameter's name hashed, element)  */
    RANDOM_ORDER = 2,   /* data order:   (epoch, position)                   */
    RANDOM_SPLIT = 3,   /* train/test split of a dataset                     */
    RANDOM_DATA = 4,    /* built-in datasets: (split and sample, draw)       */
    RANDOM_AUGMENT = 5, /* augmentation: (epoch and sample, draw)            */
    RANDOM_DROPOUT = 6, /* dropout masks: (step, layer, sample, element)     */
};

struct random_block {
    uint32_t word[4];
};

/* Four uniform 32-bit words of (key0, key1) at counter (c0, c1, c2, c3). */
struct random_block random_philox(uint32_t key0, uint32_t key1, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3);

/* A word as a float uniform in [0, 1): the upper 24 bits, so every value is exact. */
static inline float random_float(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24F;
}

/* A sequence of draws for one item of one stream, for code that takes numbers one after another. */
struct random {
    uint32_t key[2];
    uint32_t stream;
    uint64_t item;
    uint32_t position; /* how many words were taken */
    struct random_block block;
};

void random_init(struct random *random, uint64_t seed, enum random_stream stream, uint64_t item);
uint32_t random_next(struct random *random);
/* Uniform in [low, high). */
double random_uniform(struct random *random, double low, double high);
/* Normal with mean 0 and standard deviation 1 (Box-Muller). */
double random_normal(struct random *random);
/* Uniform integer in [0, bound), without bias; bound > 0. */
uint32_t random_below(struct random *random, uint32_t bound);

#endif
