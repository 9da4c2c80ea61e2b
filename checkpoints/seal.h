/*
 * The seal of a checkpoint file: the 512 bytes of HDF5 user block ahead of the HDF5 data, numbers little-endian.
 *
 *     0   8   magic "lemnos\r\n" (a transfer in text mode breaks it)
 *     8   4   version of the format, CHECKPOINT_VERSION
 *    12   4   zero
 *    16   8   length of the whole file in bytes, this block included
 *    24  32   SHA-256 of everything behind this block
 *    56  32   SHA-256 of bytes 0 to 55
 *    88 424   zero
 *
 * Every byte is checked, so no flipped bit of a file goes unnoticed. Messages lack the file's name: callers prefix it.
 */
#ifndef CHECKPOINTS_SEAL_H
#define CHECKPOINTS_SEAL_H

#include <stdint.h>

#include "base/digest.h"
#include "base/status.h"

enum { SEAL_SIZE = 512 };

/* Fills the first SEAL_SIZE bytes of a file image of `length` bytes; length > SEAL_SIZE. */
enum status seal_write(uint8_t *image, size_t length) MUST_CHECK;
/*
 * Checks the block by itself and against the length of the file. STATUS_BAD_INPUT for what does not begin with the
 * magic, and so is another kind of file; STATUS_CORRUPT where anything else differs.
 */
enum status seal_check_block(const uint8_t block[SEAL_SIZE], uint64_t length) MUST_CHECK;
/* Compares the digest of everything behind the block with the one in a block that was checked. */
enum status seal_check_digest(const uint8_t block[SEAL_SIZE], const uint8_t digest[DIGEST_SIZE]) MUST_CHECK;

#endif
