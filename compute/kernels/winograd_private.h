/* What the files of winograd.h share: tiles, and how long kernels take. */
#ifndef COMPUTE_KERNELS_WINOGRAD_PRIVATE_H
#define COMPUTE_KERNELS_WINOGRAD_PRIVATE_H

#include "compute/kernels/winograd.h"
#include "shaders/winograd.h"

enum { WINOGRAD_POSITIONS = 9 }; /* of the kernel */

int64_t winograd_tiles_of_sample(const struct winograd *winograd);
/* Bytes that the tiles of a sample take for a tensor of `channels` (with padding) channels, and the larger of both. */
int64_t winograd_tiles_size(const struct winograd *winograd, int64_t channels);
int64_t winograd_larger_tiles_size(const struct winograd *winograd);
/* Bytes of the weights of all products. */
int64_t winograd_weight_size(const struct winograd *winograd);

/* A part of the batch, and the tiles of its images. */
struct winograd_chunk {
    int64_t first_sample, samples;
    int64_t tiles;
    /*
     * Where set is 0 the tiles lie product by product, else as winograd_weight_sums reads them
     * (shaders/lib/winograd_tiles.glsl): it takes `set` shards side by side, 1 or 2.
     */
    uint32_t set;
    int64_t shards, sets;
    int64_t turns; /* of the tiles of a shard */
};

struct winograd_chunk winograd_make_chunk(const struct winograd *winograd, int64_t first_sample, int64_t samples);
/* In sets; the samples are those of so many shards. */
struct winograd_chunk winograd_make_sets(const struct winograd *winograd, int64_t first_sample, int64_t samples,
                                         int64_t shards);

/* Vectors of all its products, where set is not 0, of a tensor of so many vectors in blocks of `block`. */
int64_t winograd_set_vectors(const struct winograd_chunk *chunk, uint32_t block, int64_t vectors);

/* The tiles of images, and of gradients of the output; `block`: vectors of a block where set is not 0. */
enum status winograd_input_tiles(struct tape *tape, const struct winograd *winograd, const struct winograd_chunk *chunk,
                                 uint32_t block, struct binding image, struct binding tiles) MUST_CHECK;
enum status winograd_gradient_tiles(struct tape *tape, const struct winograd *winograd,
                                    const struct winograd_chunk *chunk, uint32_t block, struct binding gradient,
                                    struct binding tiles) MUST_CHECK;
/* Images, of the output's size, from tiles: the kernel that is given, with its bindings and constants. */
enum status winograd_output_kernel(struct tape *tape, const struct winograd *winograd,
                                   const struct winograd_chunk *chunk, struct dispatch dispatch) MUST_CHECK;
/* Between weights and their 36 products. */
enum status winograd_weight_kernel(struct tape *tape, const struct winograd *winograd, const char *kernel,
                                   struct binding read, struct binding written) MUST_CHECK;
/*
 * Products a row that a user counts: those of the convolution without the algorithm, so that rates tell what was
 * gained.
 */
double winograd_useful_depth(const struct winograd *winograd);

/* --- nanoseconds on a CPU, measured --------------------------------------------------------------------------------*/

/* A product; a float read, and written, by a kernel that is not bound by products. */
static const double WINOGRAD_PRODUCT = 0.03;
static const double WINOGRAD_READ = 0.25;
static const double WINOGRAD_WRITE = 0.3;
/* The algorithm must be that much faster. */
static const double WINOGRAD_MARGIN = 1.1;

/* To make the weights of all products, or their gradients, and to read them: `evicted` a float where no cache holds
 * them. */
double winograd_weight_cost(const struct winograd *winograd, double evicted);

#endif
