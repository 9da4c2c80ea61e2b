/*
 * Images of bytes, as the files of image sources hold them: C x H x W, plane by plane. They become numbers on a scale
 * of 0 to 1, less the mean, over the standard deviation of their channel in the training part.
 */
#ifndef DATA_PIXELS_H
#define DATA_PIXELS_H

#include "base/digest.h"
#include "base/shape.h"
#include "checkpoints/checkpoint.h"

enum { PIXELS_ARRAYS = 2 };

struct pixels {
    struct shape shape;
    float *mean, *deviation; /* by channel, on a scale of 0 to 1 */
    float *black;            /* by channel: what a byte of 0 becomes */
};

/* Where images lie: `step` bytes from one to the next. */
struct pixel_images {
    const uint8_t *first;
    int64_t count, step;
};

/*
 * Learns mean and deviation from `images`, of which there must be one at least, or takes them from a checkpoint where
 * `saved` is not NULL. Zero-initialise *pixels; release it in case of a failure too.
 */
enum status pixels_init(struct pixels *pixels, struct shape shape, const struct pixel_images *images,
                        const struct checkpoint *saved) MUST_CHECK;
void pixels_release(struct pixels *pixels);

/* Writes one image channels last, the padding zero (base/shape.h). */
void pixels_write(const struct pixels *pixels, const uint8_t *bytes, float *image);

/* What a checkpoint must carry, "data/mean" and "data/std"; the pointers are those of *pixels. */
void pixels_arrays(const struct pixels *pixels, struct array arrays[PIXELS_ARRAYS]);
/* Adds what pixels_write() depends on, beside the bytes. */
enum status pixels_digest(const struct pixels *pixels, struct digest *digest) MUST_CHECK;

#endif
