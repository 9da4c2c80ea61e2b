/* Host memory: sizes that cannot overflow, failures as a status, and the alignment that vector loads like. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdint.h>

#include "base/status.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* `count` zeroed items of `size` bytes into *pointer (NULL for a count of 0). */
enum status memory_allocate(size_t count, size_t size, void *pointer) MUST_CHECK;
/* The same, aligned to 64 bytes and touched, so that no page is missing later. Free with free(). */
enum status memory_allocate_touched(size_t count, size_t size, void *pointer) MUST_CHECK;
/* Grows *pointer to `count` items; the new ones are not set. */
enum status memory_resize(size_t count, size_t size, void *pointer) MUST_CHECK;
/* A copy of a string that the caller frees. */
enum status memory_copy_string(const char *text, char **copy) MUST_CHECK;
/* The same from a printf format. */
enum status memory_format(char **text, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);

/* The least multiple of `step` that is not below `value`. */
static inline uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

static inline uint64_t divide_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step;
}

/* The same for counts, which are signed but not negative. */
static inline int64_t round_up_count(int64_t count, int64_t step)
{
    return (count + step - 1) / step * step;
}

static inline int64_t divide_up_count(int64_t count, int64_t step)
{
    return (count + step - 1) / step;
}

#endif
