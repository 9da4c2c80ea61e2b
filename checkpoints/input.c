#include "checkpoints/input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum status input_read(int file, void *data, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(file, (uint8_t *)data + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR) {
            return fail(STATUS_FAILED, "the file cannot be read: %s", strerror(errno));
        }
        if (got == 0) {
            return fail(STATUS_CORRUPT, "the file ended while it was read");
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return STATUS_OK;
}
