/*
 * Errors. Every function that can fail returns an enum status; the first to notice a failure records one message
 * for people with fail(), everyone above passes the status on with TRY(). Only main() prints it and ends the job.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

enum status {
    STATUS_OK = 0,
    STATUS_FAILED,     /* an operation did not succeed: input/output, a device, a peer */
    STATUS_BAD_INPUT,  /* the user can mend it: command line, configuration, a file's shape or content */
    STATUS_CORRUPT,    /* a file that does not verify: a checkpoint whose digest differs */
    STATUS_NOT_FOUND,  /* what was asked for is not there */
    STATUS_NO_MEMORY,  /* host or device memory was refused */
    STATUS_NOT_FINITE, /* a loss or a gradient became infinite or not a number */
    STATUS_STOPPED,    /* ended by a signal after saving */
};

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

/* Records `format` as the message of this thread, replacing an older one, and returns `status`. */
#define fail(status, ...) status_record((status), __FILE__, __LINE__, __VA_ARGS__)

/* Puts context in front of the recorded message ("configs/a.ini: ...") and returns `status`. */
#define fail_context(status, ...) status_prefix((status), __VA_ARGS__)

#define TRY(call)                                                                                                      \
    do {                                                                                                               \
        enum status try_status_ = (call);                                                                              \
        if (try_status_ != STATUS_OK) {                                                                                \
            return try_status_;                                                                                        \
        }                                                                                                              \
    } while (0)

/* TRY for functions that hold resources: keeps the status in `status` and goes to the one label `out`. */
#define TRY_OUT(call)                                                                                                  \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != STATUS_OK) {                                                                                     \
            goto out;                                                                                                  \
        }                                                                                                              \
    } while (0)

enum status status_record(enum status status, const char *file, int line, const char *format, ...) PRINTF_LIKE(4, 5);
enum status status_prefix(enum status status, const char *format, ...) PRINTF_LIKE(2, 3);

/* The message recorded last in this thread, "" where there is none; valid until the next fail() here. */
const char *status_message(void);
/* Where it was recorded, "file.c:123". */
const char *status_where(void);
/* Forgets the message, for a caller that has dealt with the failure. */
void status_clear(void);

/* The process exit code that stands for a status: 0 done, 1 failed, 2 wrong input, 85 stopped by a signal. */
int status_exit_code(enum status status);

#endif
