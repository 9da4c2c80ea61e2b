#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static struct {
    enum log_level level;
    int rank;
    int world_size;
} settings = {.level = LOG_INFO, .rank = 0, .world_size = 1};

void log_set_level(enum log_level level)
{
    settings.level = level;
}

void log_set_rank(int rank, int world_size)
{
    settings.rank = rank;
    settings.world_size = world_size;
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const labels[] = {
        [LOG_DEBUG] = "debug: ", [LOG_INFO] = "", [LOG_WARNING] = "warning: ", [LOG_ERROR] = "error: "};

    if (level < settings.level || (settings.rank != 0 && level < LOG_WARNING)) {
        return;
    }
    /* One write a line: lines of several ranks share a terminal. */
    char line[16384 + 64];
    int used = settings.rank != 0
                   ? snprintf(line, sizeof line, "lemnos: rank %d: %s", settings.rank, labels[level])
                   : snprintf(line, sizeof line, "%s%s", level == LOG_INFO ? "" : "lemnos: ", labels[level]);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + used, sizeof line - (size_t)used, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s\n", line);
}
