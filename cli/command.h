/*
 * The commands of the program. A command is one file with its struct command, and one line in main.c. It reads what
 * stands behind its name, prints results on standard output and nothing else there, and returns its first failure,
 * which main() tells.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cluster/comm.h"

enum { COMMAND_MAX_FLAGS = 8 };

struct flag {
    const char *name;  /* "resume" stands for --resume */
    const char *value; /* what follows it, "auto|PATH"; NULL: nothing does */
    const char *help;
};

/* What stands behind the command's name, sorted; all strings are those of main(). */
struct arguments {
    const struct command *command;
    const char **words; /* what is neither a flag nor section.key=value */
    size_t word_count;
    const char **overrides; /* "section.key=value", for config_load() */
    size_t override_count;
    const char *values[COMMAND_MAX_FLAGS]; /* by flag: its value, "" for one without, NULL where it is not given */
};

struct command {
    const char *name;
    const char *help;         /* one line */
    const char *usage;        /* "CONFIG [section.key=value ...]" */
    const char *details;      /* for `lemnos help NAME`: lines of text */
    const struct flag *flags; /* ends with a NULL name */
    size_t least_words, most_words;
    bool takes_overrides;
    bool uses_ranks; /* works under mpirun: `comm` is there, and stop signals are caught; else comm is NULL */
    enum status (*run)(const struct arguments *arguments, struct comm *comm);
};

/* All commands, NULL-terminated. */
extern const struct command *const commands[];

/* Sorts `count` strings by the command's table; STATUS_BAD_INPUT for what it does not take, with the nearest name. */
enum status arguments_parse(const struct command *command, const char *const *strings, size_t count,
                            struct arguments *arguments) MUST_CHECK;
void arguments_release(struct arguments *arguments);
/* The value of --NAME, "" for a flag without value, NULL where it is not given. */
const char *arguments_flag(const struct arguments *arguments, const char *name);
/* The flag's value as a whole number within [least, most]; `fallback` where it is not given. */
enum status arguments_number(const struct arguments *arguments, const char *name, int64_t least, int64_t most,
                             int64_t fallback, int64_t *number) MUST_CHECK;
/* The flag's value as an index in the NULL-terminated `choices`; `fallback` where it is not given. */
enum status arguments_choice(const struct arguments *arguments, const char *name, const char *const *choices,
                             int fallback, int *choice) MUST_CHECK;

/* The command of that name; STATUS_BAD_INPUT with the nearest name where there is none. */
enum status command_find(const char *name, const struct command **command) MUST_CHECK;

#endif
