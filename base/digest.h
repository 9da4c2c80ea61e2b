/* SHA-256 (FIPS 180-4), from the system's libcrypto. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stdint.h>

#include "base/status.h"

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 2 * DIGEST_SIZE + 1 };

struct digest; /* a running computation */

enum status digest_create(struct digest **digest) MUST_CHECK;
enum status digest_add(struct digest *digest, const void *data, size_t size) MUST_CHECK;
enum status digest_finish(struct digest *digest, uint8_t result[DIGEST_SIZE]) MUST_CHECK;
void digest_destroy(struct digest *digest);

/* The digest of one block of memory. */
enum status digest_of(const void *data, size_t size, uint8_t result[DIGEST_SIZE]) MUST_CHECK;
/* Lower-case hexadecimal with a '\0'. */
void digest_text(const uint8_t result[DIGEST_SIZE], char text[DIGEST_TEXT_SIZE]);

#endif
