/*
 * Option tables: every key that a config may hold is a row (name, type, default, bounds, one line of help). The table
 * parses and checks values, and `lemnos help config` prints it, so that help and behaviour cannot part.
 */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum option_type {
    OPTION_BOOL,   /* bool:       yes/no, true/false, on/off, 1/0                        */
    OPTION_INT,    /* int64_t:    a whole number within [min, max]                        */
    OPTION_FLOAT,  /* double:     finite, within [min, max]                               */
    OPTION_STRING, /* char *:     owned by the values; never NULL                       */
    OPTION_CHOICE, /* int:        the index in `choices`                                  */
    OPTION_PAIR,   /* int64_t[2]: "3" (both) or "7x5" (height x width), each within [min, max] */
};

struct option {
    const char *name;
    enum option_type type;
    size_t offset;              /* of the value in the struct that the table describes */
    const char *fallback;       /* the default, as a user would write it; NULL: the key is required */
    double min, max;            /* inclusive, -INFINITY and INFINITY for one open side; both 0: unbounded */
    const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
    const char *help;
};

/* A table ends with a row whose name is NULL. */
#define OPTIONS_END                                                                                                    \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

/*
 * Sets every value that has a default; required ones become zero (a string: ""). What the values held before is
 * overwritten, not freed. On failure nothing is left to free.
 */
enum status option_defaults(const struct option *table, void *values) MUST_CHECK;
/*
 * Parses `text` into the row's value; a string held there before is freed. Nothing may stand around the value: no
 * blanks, no unit. On failure the value stays as it was, and the message says what is wrong and what would be right,
 * without file and line: "kernel = 99: a whole number is wanted (1 to 11)".
 */
enum status option_parse(const struct option *option, const char *text, void *values) MUST_CHECK;
/* The row of that name, or NULL. */
const struct option *option_find(const struct option *table, const char *name);
/*
 * The name of `table` nearest to `name` by edit distance, regardless of case, or NULL where none is near. Of two names
 * near to each other, one may also contain the other ("batch_size", "batch").
 */
const char *option_nearest(const struct option *table, const char *name);
/* The nearest of `count` names, or NULL where none is near. */
const char *nearest_name(const char *const *names, size_t count, const char *name);
/* Writes the value as a user would write it, so that option_parse() reads the same; fails where `size` is too small. */
enum status option_format(const struct option *option, const void *values, char *buffer, size_t size) MUST_CHECK;
/* Prints a table for people: name, type and bounds, default, help. */
void option_print(const struct option *table, FILE *file);
/* Frees the strings of a struct that the table describes, and sets them to NULL. */
void option_release(const struct option *table, void *values);

#endif
