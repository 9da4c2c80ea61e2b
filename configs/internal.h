/* What a config is made of, for configs/load.c, which fills it, and configs/config.c, which answers from it. */
#ifndef CONFIGS_INTERNAL_H
#define CONFIGS_INTERNAL_H

#include <limits.h>

#include "configs/config.h"
#include "configs/problems.h"

/* The number of the "file" that the overrides come from: its problems are told last. */
enum { COMMAND_LINE = INT_MAX };

struct place {
    int file; /* index in config.files, or COMMAND_LINE */
    int line; /* from 1; 0: the file as a whole; on the command line the number of the override */
};

struct entry {
    char *key;
    char *value;
    struct place place;
    char *where;  /* the place for people, "file:line" */
    bool unknown; /* already told as a problem */
};

struct section {
    char *name;
    struct place place; /* where it was opened last in a file */
    struct entry *entries;
    size_t entry_count;
    bool unknown; /* already told as a problem */
    bool skipped; /* its keys are not judged */
};

/* One call of config_read(). */
struct reader {
    char *section;
    const struct option *table;
};

struct config {
    char **files; /* the names of all files in the order of opening: one that was included twice is there twice */
    size_t file_count;
    struct section *sections;
    size_t section_count;
    struct reader *readers;
    size_t reader_count;
    struct problems problems;
    enum status status; /* not OK: a problem could not be kept, for want of memory */
};

struct section *config_find_section(const struct config *config, const char *name);
struct entry *config_find_entry(const struct section *section, const char *key);

/* "file:line", "file" or "command line"; the caller frees it. */
enum status config_where(const struct config *config, struct place place, char **where) MUST_CHECK;
/* Adds the problem "file:line: " and the text. */
enum status config_add_problem(struct config *config, struct place place, const char *format, ...) MUST_CHECK
    PRINTF_LIKE(3, 4);

#endif
