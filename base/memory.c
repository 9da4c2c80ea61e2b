#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static enum status no_memory(size_t count, size_t size)
{
    return fail(STATUS_NO_MEMORY, "out of memory: %zu items of %zu bytes were refused", count, size);
}

enum status memory_allocate(size_t count, size_t size, void *pointer)
{
    void *memory = NULL;
    if (count > 0) {
        memory = calloc(count, size);
        if (memory == NULL) {
            return no_memory(count, size);
        }
    }
    memcpy(pointer, &memory, sizeof memory);
    return STATUS_OK;
}

/* What is large lies in large pages where the system has them: passes over it miss the translation cache less often. */
enum { LARGE_PAGE = 2 << 20, SMALL_ALIGNMENT = 64 };

enum status memory_allocate_touched(size_t count, size_t size, void *pointer)
{
    void *memory = NULL;
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return no_memory(count, size);
    }
    if (total > 0) {
        bool large = total >= 2 * (size_t)LARGE_PAGE;
        if (posix_memalign(&memory, large ? LARGE_PAGE : SMALL_ALIGNMENT, total) != 0) {
            return no_memory(count, size);
        }
#ifdef MADV_HUGEPAGE
        if (large) {
            (void)madvise(memory, total, MADV_HUGEPAGE);
        }
#endif
        memset(memory, 0, total);
    }
    memcpy(pointer, &memory, sizeof memory);
    return STATUS_OK;
}

enum status memory_resize(size_t count, size_t size, void *pointer)
{
    void *old;
    memcpy(&old, pointer, sizeof old);
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        return no_memory(count, size);
    }
    void *memory = realloc(old, total > 0 ? total : 1);
    if (memory == NULL) {
        return no_memory(count, size);
    }
    memcpy(pointer, &memory, sizeof memory);
    return STATUS_OK;
}

enum status memory_copy_string(const char *text, char **copy)
{
    return memory_format(copy, "%s", text);
}

enum status memory_format(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        *text = NULL;
        return fail(STATUS_NO_MEMORY, "out of memory for a line of text");
    }
    return STATUS_OK;
}
