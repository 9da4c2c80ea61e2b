/*
 * Augmentation of images: what a training sample may look like beside itself. Each epoch draws anew, from counters, so
 * an image depends on (seed, epoch, sample) alone.
 */
#ifndef DATA_AUGMENT_H
#define DATA_AUGMENT_H

#include "base/random.h"
#include "base/shape.h"

struct augmentation {
    int64_t crop_padding; /* pixels that are put around the image before it is cut to its size again; 0: none */
    bool flip;            /* mirror left to right with probability 1/2 */
};

/*
 * Changes an image in place (channels last, as in base/shape.h): a crop at a uniformly drawn place of the padded image
 * (torchvision's RandomCrop), then the flip. `border` is the padding's value by channel. crop_padding must be smaller
 * than the image's height and width. The flip draws the same whether or not the image is cropped.
 */
void augment_image(const struct augmentation *augmentation, struct random *random, struct shape shape,
                   const float *border, float *image);

#endif
