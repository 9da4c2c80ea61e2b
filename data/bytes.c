#include "data/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 1 << 16, MAX_PIECE = 1 << 26 };

/* What zlib holds against the file, as a status with a message. */
static enum status read_failed(gzFile file, const char *path)
{
    int code;
    int system_error = errno;
    const char *message = gzerror(file, &code);
    if (code == Z_ERRNO) {
        return fail(system_error == EISDIR ? STATUS_BAD_INPUT : STATUS_FAILED, "%s cannot be read: %s", path,
                    strerror(system_error));
    }
    if (code == Z_BUF_ERROR) {
        return fail(STATUS_BAD_INPUT, "%s is cut off: its gzip stream has no end; fetch it again", path);
    }
    if (code == Z_MEM_ERROR) {
        return fail(STATUS_NO_MEMORY, "out of memory to unpack %s", path);
    }
    return fail(STATUS_BAD_INPUT, "%s has a broken gzip stream (%s); fetch it again", path, message);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static enum status read_all(gzFile file, const char *path, size_t limit, uint8_t **bytes, size_t *size)
{
    size_t capacity = 0;
    for (;;) {
        if (*size == capacity) {
            capacity = smaller(limit, capacity > 0 ? 2 * capacity : FIRST_CAPACITY);
            TRY(memory_resize(capacity + 1, 1, bytes));
        }
        if (*size == limit) {
            break;
        }
        errno = 0;
        int got = gzread(file, *bytes + *size, (unsigned)smaller(capacity - *size, MAX_PIECE));
        if (got < 0) {
            return read_failed(file, path);
        }
        if (got == 0) {
            int code;
            gzerror(file, &code);
            if (code != Z_OK && code != Z_STREAM_END) {
                return read_failed(file, path);
            }
            break;
        }
        *size += (size_t)got;
    }
    TRY(memory_resize(*size + 1, 1, bytes));
    (*bytes)[*size] = '\0';
    return STATUS_OK;
}

enum status bytes_read(const char *path, size_t limit, uint8_t **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (file == NULL && errno == ENOENT) {
        return fail(STATUS_BAD_INPUT, "there is no file %s: paths begin at the folder where lemnos is started", path);
    }
    if (file == NULL) {
        return fail(errno == 0 || errno == ENOMEM ? STATUS_NO_MEMORY : STATUS_BAD_INPUT, "%s cannot be opened: %s",
                    path, errno == 0 ? "out of memory" : strerror(errno));
    }
    enum status status = read_all(file, path, limit, bytes, size);
    /* Only read from: what closing could tell was told by the reads. */
    gzclose_r(file);
    if (status != STATUS_OK) {
        free(*bytes);
        *bytes = NULL;
        *size = 0;
    }
    return status;
}
