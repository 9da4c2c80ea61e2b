/*
 * A checkpoint as the bytes of its file, in memory: HDF5 writes and reads there, and this program alone touches the
 * disk. So every byte and every error is ours to see, and the same content always gives the same bytes.
 */
#ifndef CHECKPOINTS_IMAGE_H
#define CHECKPOINTS_IMAGE_H

#include "base/status.h"
#include "checkpoints/checkpoint.h"

/* Zero-initialise it; image_release() frees it. */
struct image {
    uint8_t *data;   /* the file: the seal, then HDF5 */
    size_t length;   /* bytes of the file */
    size_t capacity; /* bytes of memory; kept from one checkpoint to the next */
};

/*
 * Writes and seals a checkpoint into the image. STATUS_BAD_INPUT where a name, a shape or a number cannot be stored,
 * STATUS_FAILED where two entries have one name.
 */
enum status image_write(struct image *image, const struct checkpoint *checkpoint) MUST_CHECK;

/*
 * Reserves and touches the memory that image_write() needs for a checkpoint with these arrays and texts, with some room
 * for texts and tables that grow. Sets `length` to what the file would have; array data is not read.
 */
enum status image_reserve(struct image *image, const struct checkpoint *like) MUST_CHECK;

/*
 * Makes a checkpoint from an image whose seal was checked. STATUS_CORRUPT where it holds anything that image_write()
 * does not write: such a file is whole, but not ours.
 */
enum status image_read(const struct image *image, struct checkpoint **checkpoint) MUST_CHECK;

/* Opens an image and reads its attributes alone. */
enum status image_check(const struct image *image) MUST_CHECK;

void image_release(struct image *image);

#endif
