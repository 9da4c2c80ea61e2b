#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Long enough for a config's list of errors; a longer message is cut, with "..." at its end. */
enum { MESSAGE_SIZE = 16384, WHERE_SIZE = 256 };

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local char where[WHERE_SIZE];

static void mark_cut(int written)
{
    if (written >= MESSAGE_SIZE) {
        memcpy(message + MESSAGE_SIZE - 4, "...", 4);
    }
}

enum status status_record(enum status status, const char *file, int line, const char *format, ...)
{
    char text[MESSAGE_SIZE]; /* the arguments may point into the old message */
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(message, text, sizeof message);
    mark_cut(written);
    snprintf(where, sizeof where, "%s:%d", file, line);
    return status;
}

enum status status_prefix(enum status status, const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (written < 0 || written >= MESSAGE_SIZE) {
        return status;
    }
    size_t room = sizeof text - (size_t)written;
    int rest = snprintf(text + written, room, "%s", message);
    memcpy(message, text, sizeof message);
    mark_cut(written + rest);
    return status;
}

const char *status_message(void)
{
    return message;
}

const char *status_where(void)
{
    return where;
}

void status_clear(void)
{
    message[0] = '\0';
    where[0] = '\0';
}

int status_exit_code(enum status status)
{
    switch (status) {
    case STATUS_OK:
        return 0;
    case STATUS_BAD_INPUT:
        return 2;
    case STATUS_STOPPED:
        return 85;
    case STATUS_FAILED:
    case STATUS_CORRUPT:
    case STATUS_NOT_FOUND:
    case STATUS_NO_MEMORY:
    case STATUS_NOT_FINITE:
        return 1;
    }
    return 1;
}
