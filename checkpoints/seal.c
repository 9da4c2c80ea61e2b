#include "checkpoints/seal.h"

#include <inttypes.h>
#include <string.h>

#include "checkpoints/checkpoint.h"

enum { MAGIC_SIZE = 8, VERSION_AT = 8, LENGTH_AT = 16, DIGEST_AT = 24, BLOCK_DIGEST_AT = 56, UNUSED_AT = 88 };

static const uint8_t magic[MAGIC_SIZE] = {'l', 'e', 'm', 'n', 'o', 's', '\r', '\n'};
static const uint8_t hdf5_signature[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

static void put(uint8_t *at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint64_t get(const uint8_t *at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

enum status seal_write(uint8_t *image, size_t length)
{
    memset(image, 0, SEAL_SIZE);
    memcpy(image, magic, MAGIC_SIZE);
    put(image + VERSION_AT, CHECKPOINT_VERSION, 4);
    put(image + LENGTH_AT, length, 8);
    TRY(digest_of(image + SEAL_SIZE, length - SEAL_SIZE, image + DIGEST_AT));
    return digest_of(image, BLOCK_DIGEST_AT, image + BLOCK_DIGEST_AT);
}

enum status seal_check_block(const uint8_t block[SEAL_SIZE], uint64_t length)
{
    if (memcmp(block, hdf5_signature, sizeof hdf5_signature) == 0) {
        return fail(STATUS_BAD_INPUT, "this is an HDF5 file, but not one that lemnos wrote");
    }
    if (memcmp(block, magic, MAGIC_SIZE) != 0) {
        return fail(STATUS_BAD_INPUT, "this is no checkpoint of lemnos, or its first bytes are damaged");
    }
    uint8_t digest[DIGEST_SIZE];
    TRY(digest_of(block, BLOCK_DIGEST_AT, digest));
    bool intact = memcmp(block + BLOCK_DIGEST_AT, digest, DIGEST_SIZE) == 0;
    for (int i = UNUSED_AT; i < SEAL_SIZE; i++) {
        intact = intact && block[i] == 0;
    }
    if (!intact) {
        return fail(STATUS_CORRUPT, "the file is damaged: its first %d bytes do not match their own SHA-256",
                    (int)SEAL_SIZE);
    }
    uint64_t version = get(block + VERSION_AT, 8);
    if (version != CHECKPOINT_VERSION) {
        return fail(STATUS_CORRUPT,
                    "the file has format version %" PRIu64 " and this program reads version %d: use the lemnos that "
                    "wrote it",
                    version, (int)CHECKPOINT_VERSION);
    }
    uint64_t expected = get(block + LENGTH_AT, 8);
    if (expected <= SEAL_SIZE || expected != length) {
        return fail(STATUS_CORRUPT, "the file is damaged: it has %" PRIu64 " bytes and should have %" PRIu64, length,
                    expected);
    }
    return STATUS_OK;
}

enum status seal_check_digest(const uint8_t block[SEAL_SIZE], const uint8_t digest[DIGEST_SIZE])
{
    if (memcmp(block + DIGEST_AT, digest, DIGEST_SIZE) != 0) {
        return fail(STATUS_CORRUPT, "the file is damaged: its content does not match its SHA-256");
    }
    return STATUS_OK;
}
