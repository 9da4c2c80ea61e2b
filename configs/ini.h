/*
 * The lines of an INI text, one by one. A reader of our own, because a config's values may be long, may hold ";" and
 * blanks, and every mistake is told with its line. The syntax stands in configs/config.h.
 */
#ifndef CONFIGS_INI_H
#define CONFIGS_INI_H

#include "base/text.h"

enum {
    INI_NAME_SIZE = 128, /* bytes of a section's name or a key at most */
    INI_PROBLEM_SIZE = 512,
};

enum ini_kind {
    INI_END,
    INI_SECTION,     /* `name` */
    INI_KEY,         /* `name` and `value` */
    INI_BAD_SECTION, /* `problem`; the keys that follow belong to no section */
    INI_BAD_LINE,    /* `problem` */
};

struct ini {
    char *rest; /* what is still to be read */
    int line;   /* of the last result, from 1 */
    char *name; /* these two point into the text */
    char *value;
    char problem[INI_PROBLEM_SIZE];
};

/* Begins to read `text`, which the reader cuts into pieces in place and which must outlive it. */
void ini_init(struct ini *ini, char *text);
/* The next line that says something, blank lines and comments left out. */
enum ini_kind ini_next(struct ini *ini);

/* Adds a value to a text so that ini_next() reads it back: in quotes where it needs them. */
enum status ini_add_value(struct text *text, const char *value) MUST_CHECK;

/* `text` without the blanks around it (cut in place). */
char *ini_trim(char *text);
/* These three say in `problem` what is wrong, and return false. The first makes each run of blanks one space. */
bool ini_clean_section(char *name, char problem[INI_PROBLEM_SIZE]);
bool ini_check_key(const char *key, char problem[INI_PROBLEM_SIZE]);
bool ini_check_characters(const char *text, char problem[INI_PROBLEM_SIZE]);

#endif
