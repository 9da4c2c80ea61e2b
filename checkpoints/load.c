#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoints/checkpoint.h"
#include "checkpoints/image.h"
#include "checkpoints/input.h"
#include "checkpoints/seal.h"

static enum status open_file(const char *path, int *file, uint64_t *length)
{
    *file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe of that name must not block */
    if (*file < 0) {
        return errno == ENOENT || errno == ENOTDIR ? fail(STATUS_NOT_FOUND, "there is no such file")
                                                   : fail(STATUS_FAILED, "it cannot be opened: %s", strerror(errno));
    }
    struct stat about;
    if (fstat(*file, &about) != 0) {
        return fail(STATUS_FAILED, "it cannot be examined: %s", strerror(errno));
    }
    if (!S_ISREG(about.st_mode)) {
        return fail(STATUS_BAD_INPUT, "this is no regular file, so no checkpoint");
    }
    *length = (uint64_t)about.st_size;
    return STATUS_OK;
}

/*
 * The whole file into the image, its seal checked. Nothing is allocated before the first block has proved its length.
 */
static enum status read_sealed(int file, uint64_t length, struct image *image)
{
    if (length <= SEAL_SIZE) {
        return fail(STATUS_BAD_INPUT, "the file has %" PRIu64 " bytes, which is too short for a checkpoint", length);
    }
    uint8_t block[SEAL_SIZE];
    TRY(input_read(file, block, SEAL_SIZE, 0));
    TRY(seal_check_block(block, length));
    TRY(memory_allocate(length, 1, &image->data));
    image->length = image->capacity = length;
    memcpy(image->data, block, SEAL_SIZE);
    TRY(input_read(file, image->data + SEAL_SIZE, length - SEAL_SIZE, SEAL_SIZE));
    uint8_t digest[DIGEST_SIZE];
    TRY(digest_of(image->data + SEAL_SIZE, length - SEAL_SIZE, digest));
    return seal_check_digest(block, digest);
}

enum status checkpoint_load(const char *path, struct checkpoint **checkpoint)
{
    enum status status = STATUS_OK;
    struct image image = {0};
    int file = -1;
    uint64_t length = 0;
    *checkpoint = NULL;
    TRY_OUT(open_file(path, &file, &length));
    TRY_OUT(read_sealed(file, length, &image));
    TRY_OUT(image_read(&image, checkpoint));
out:
    if (file >= 0) {
        close(file);
    }
    image_release(&image);
    return status == STATUS_OK ? STATUS_OK : fail_context(status, "checkpoint %s: ", path);
}
