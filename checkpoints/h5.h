/* The border to HDF5: results become statuses, with HDF5's own words in the message. */
#ifndef CHECKPOINTS_H5_H
#define CHECKPOINTS_H5_H

#include <hdf5.h>
#include <stdint.h>

#include "base/status.h"

enum { H5_NAME_SIZE = 64 };

/*
 * To be called before anything else of HDF5: no exit handler (it crashes after a failed write), no printing of errors,
 * which h5_try() reports, and no memory kept for later.
 */
void h5_prepare(void);

/*
 * Makes a name for a file that exists in memory only. HDF5 takes two open files of one name for the same file, and a
 * file that failed may stay open in HDF5 for ever: so no two names are equal. It also tries to open the name on disk,
 * and nothing can lie below /dev/null.
 */
void h5_memory_name(const void *image, char name[H5_NAME_SIZE]);

/*
 * Callbacks for a file in memory that stays the caller's, as `context` does, which they get: HDF5 frees neither. The
 * caller adds how memory is had: image_malloc, image_memcpy and image_realloc.
 */
H5FD_file_image_callbacks_t h5_kept_image(void *context);

/* STATUS_OK for a result of HDF5 that is not negative, otherwise STATUS_FAILED: "<format>: <what HDF5 says>". */
enum status h5_try(int64_t result, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);

#endif
