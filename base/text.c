#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum status text_add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (added < 0) {
        return fail(STATUS_FAILED, "a line of text cannot be formatted");
    }
    size_t needed = text->length + (size_t)added + 1;
    if (needed > text->capacity) {
        size_t capacity = needed * 2;
        TRY(memory_resize(capacity, 1, &text->data));
        text->capacity = capacity;
    }
    va_start(arguments, format);
    vsnprintf(text->data + text->length, text->capacity - text->length, format, arguments);
    va_end(arguments);
    text->length += (size_t)added;
    return STATUS_OK;
}

const char *text_get(const struct text *text)
{
    return text->data != NULL ? text->data : "";
}

void text_release(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

int text_excerpt(const char *text, int most)
{
    int length = (int)strnlen(text, (size_t)most);
    if (text[length] == '\0') {
        return length;
    }
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    return length;
}
