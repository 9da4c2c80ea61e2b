/* Files as bytes, plain or gzip: zlib tells them apart by their first bytes. */
#ifndef DATA_BYTES_H
#define DATA_BYTES_H

#include <stdint.h>

#include "base/status.h"

/*
 * Reads at most `limit` (unpacked) bytes of a file into memory that the caller frees, with a '\0' behind them. Memory
 * grows with what really comes, whatever a header may claim. STATUS_BAD_INPUT where there is no such file or a gzip
 * stream is broken; the message names the file.
 */
enum status bytes_read(const char *path, size_t limit, uint8_t **bytes, size_t *size) MUST_CHECK;

#endif
