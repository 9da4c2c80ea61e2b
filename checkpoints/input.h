/* Reading from a file descriptor, where a short answer, an interruption and an error are three different things. */
#ifndef CHECKPOINTS_INPUT_H
#define CHECKPOINTS_INPUT_H

#include <stdint.h>

#include "base/status.h"

/* Exactly `size` bytes from `offset`. STATUS_CORRUPT where the file ends before. */
enum status input_read(int file, void *data, size_t size, uint64_t offset) MUST_CHECK;

#endif
