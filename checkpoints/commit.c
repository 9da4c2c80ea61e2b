#include "checkpoints/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "checkpoints/input.h"
#include "checkpoints/seal.h"

void commit_temporary_name(const char *name, char temporary[COMMIT_NAME_SIZE])
{
    snprintf(temporary, COMMIT_NAME_SIZE, "%s%s", name, COMMIT_TEMPORARY);
}

/* The message for a file of `length` bytes that could not be written because of `error`. */
static enum status cannot_write(int folder, int error, size_t length)
{
    struct statvfs about;
    if (error == ENOSPC && fstatvfs(folder, &about) == 0) {
        return fail(STATUS_FAILED,
                    "the disk is full: %zu bytes are needed and %" PRIu64
                    " are free; make room, or keep fewer checkpoints (checkpoint.keep)",
                    length, (uint64_t)about.f_bavail * about.f_frsize);
    }
    switch (error) {
    case ENOSPC:
        return fail(STATUS_FAILED, "the disk is full: %zu bytes are needed; make room", length);
    case EDQUOT:
        return fail(STATUS_FAILED, "the disk quota is used up: %zu bytes are needed; make room", length);
    case EFBIG:
        return fail(STATUS_FAILED, "no file of the %zu bytes that are needed is allowed here (see ulimit -f)", length);
    default:
        return fail(STATUS_FAILED, "%zu bytes cannot be written: %s", length, strerror(error));
    }
}

/* Takes the space before the first byte, so that a full disk is one clear error. */
static enum status allocate_space(int folder, int file, size_t length)
{
    int error;
    do {
        error = posix_fallocate(file, 0, (off_t)length);
    } while (error == EINTR);
    bool unsupported = error == EINVAL || error == EOPNOTSUPP || error == ENOSYS; /* then writing has to find out */
    return error == 0 || unsupported ? STATUS_OK : cannot_write(folder, error, length);
}

static enum status write_all(int folder, int file, const uint8_t *data, size_t length)
{
    size_t done = 0;
    while (done < length) {
        ssize_t wrote = pwrite(file, data + done, length - done, (off_t)done);
        if (wrote < 0 && errno != EINTR) {
            return cannot_write(folder, errno, length);
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    /* A second fsync after a failed one may succeed without the data: the file is thrown away instead. */
    return fsync(file) == 0 ? STATUS_OK : cannot_write(folder, errno, length);
}

/* Reads the file as a load would, from the disk where the system can be moved to do so. */
static enum status read_back(int file, size_t length, uint8_t *buffer)
{
    enum status status = STATUS_OK;
    struct digest *digest = NULL;
    uint8_t block[SEAL_SIZE], result[DIGEST_SIZE];
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    off_t stored = lseek(file, 0, SEEK_END);
    TRY_OUT(digest_create(&digest));
    TRY_OUT(input_read(file, block, SEAL_SIZE, 0));
    TRY_OUT(seal_check_block(block, stored < 0 ? 0 : (uint64_t)stored));
    for (size_t done = SEAL_SIZE; done < length;) {
        size_t part = length - done < COMMIT_BUFFER_SIZE ? length - done : COMMIT_BUFFER_SIZE;
        TRY_OUT(input_read(file, buffer, part, done));
        TRY_OUT(digest_add(digest, buffer, part));
        done += part;
    }
    TRY_OUT(digest_finish(digest, result));
    TRY_OUT(seal_check_digest(block, result));
out:
    digest_destroy(digest);
    return status == STATUS_OK
               ? STATUS_OK
               : fail_context(STATUS_FAILED,
                              "%zu bytes were written and what was read back differs, is the disk sound? ", length);
}

enum status commit_write(int folder, const char *name, const struct image *image, uint8_t *buffer)
{
    char temporary[COMMIT_NAME_SIZE];
    commit_temporary_name(name, temporary);
    int file = openat(folder, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        int error = errno;
        return error == EEXIST ? fail(STATUS_FAILED, "%s is there already: does another run write here?", temporary)
                               : cannot_write(folder, error, image->length);
    }
    enum status status = STATUS_OK;
    TRY_OUT(allocate_space(folder, file, image->length));
    TRY_OUT(write_all(folder, file, image->data, image->length));
    TRY_OUT(read_back(file, image->length, buffer));
out:
    if (close(file) != 0 && status == STATUS_OK) {
        status = cannot_write(folder, errno, image->length);
    }
    if (status != STATUS_OK) {
        (void)unlinkat(folder, temporary, 0);
    }
    return status;
}

enum status commit_rename(int folder, const char *name)
{
    char temporary[COMMIT_NAME_SIZE];
    commit_temporary_name(name, temporary);
    if (renameat(folder, temporary, folder, name) != 0) {
        int error = errno;
        (void)unlinkat(folder, temporary, 0);
        return fail(STATUS_FAILED, "%s cannot be renamed to %s: %s", temporary, name, strerror(error));
    }
    return commit_sync_folder(folder);
}

enum status commit_sync_folder(int folder)
{
    if (fsync(folder) != 0 && errno != EINVAL) { /* EINVAL: a file system that does not sync folders */
        return fail(STATUS_FAILED, "the folder cannot be synced to disk: %s", strerror(errno));
    }
    return STATUS_OK;
}
