/* A string that grows: for messages, tables and JSON lines. Zero-initialise it; text_release() frees it. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/status.h"

struct text {
    char *data;    /* always ends in '\0' once something was added; NULL before */
    size_t length; /* bytes without the '\0' */
    size_t capacity;
};

enum status text_add(struct text *text, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);
/* The content, "" where nothing was added. */
const char *text_get(const struct text *text);
void text_release(struct text *text);

/* The number of bytes, at most `most`, that show the beginning of a string without cutting a UTF-8 sequence. */
int text_excerpt(const char *text, int most);

#endif
