#include "base/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

struct digest; /* an EVP_MD_CTX under another name: the callers need not know the library */

static enum status refused(void)
{
    return fail(STATUS_FAILED, "libcrypto refused to compute a SHA-256 digest");
}

enum status digest_create(struct digest **digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *digest = (struct digest *)context;
    if (context == NULL) {
        return fail(STATUS_NO_MEMORY, "out of memory for a digest");
    }
    if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        digest_destroy(*digest);
        *digest = NULL;
        return refused();
    }
    return STATUS_OK;
}

enum status digest_add(struct digest *digest, const void *data, size_t size)
{
    return EVP_DigestUpdate((EVP_MD_CTX *)digest, data, size) == 1 ? STATUS_OK : refused();
}

enum status digest_finish(struct digest *digest, uint8_t result[DIGEST_SIZE])
{
    return EVP_DigestFinal_ex((EVP_MD_CTX *)digest, result, NULL) == 1 ? STATUS_OK : refused();
}

void digest_destroy(struct digest *digest)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)digest);
}

enum status digest_of(const void *data, size_t size, uint8_t result[DIGEST_SIZE])
{
    return EVP_Digest(data, size, result, NULL, EVP_sha256(), NULL) == 1 ? STATUS_OK : refused();
}

void digest_text(const uint8_t result[DIGEST_SIZE], char text[DIGEST_TEXT_SIZE])
{
    for (int i = 0; i < DIGEST_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", result[i]);
    }
}
