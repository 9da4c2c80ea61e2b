/*
 * The INI: sections of key = value lines, each value remembered with its file and line.
 *
 *   [section]            ; a comment; "#" opens one too
 *   key = value          ; the value ends before " ;" or " #"
 *   include = other.ini  ; before the first section: read that file first (path relative to this one); later lines win
 *
 * Readers ask for a section by its option table. All problems (syntax, unknown sections and keys, wrong types, bounds,
 * shapes that do not fit) are collected and reported together by config_check(), each with file:line and the nearest
 * known key.
 */
#ifndef CONFIGS_CONFIG_H
#define CONFIGS_CONFIG_H

#include "base/option.h"
#include "base/status.h"
#include "base/text.h"

struct config;

/*
 * Reads `path` and applies `overrides`, each "section.key=value" ("layer conv1.kernel=5" for a section with a space).
 * A file that cannot be read fails at once; all other problems wait for config_check().
 */
enum status config_load(const char *path, const char *const *overrides, size_t override_count,
                        struct config **config) MUST_CHECK;
/* The same from text; `name` stands for the file in messages. */
enum status config_parse(const char *name, const char *text, const char *const *overrides, size_t override_count,
                         struct config **config) MUST_CHECK;
void config_destroy(struct config *config);

bool config_has_section(const struct config *config, const char *section);
/* Names of all sections that start with `prefix`, in file order: index 0, 1, ... until NULL. */
const char *config_section_name(const struct config *config, const char *prefix, size_t index);
/* The text of a key, or NULL. Does not count as reading it. `line`, if not NULL, gets "file:line". */
const char *config_get(const struct config *config, const char *section, const char *key, const char **line);

/*
 * Fills `values` (zeroed by this call) from the table's defaults and the section; a section that is absent is all
 * defaults. Problems are collected, and `values` then holds defaults. Keys that no reader asked for are unknown;
 * several readers may share one section (a layer's common keys and its type's own).
 */
enum status config_read(struct config *config, const char *section, const struct option *table,
                        void *values) MUST_CHECK;

/* Adds a problem at a key's line (key NULL or absent: at the section's line; section NULL: at the file). */
void config_problem(struct config *config, const char *section, const char *key, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* OK, or STATUS_BAD_INPUT with every problem collected so far, unknown sections and keys among them. */
enum status config_check(struct config *config) MUST_CHECK;

/* The resolved text: all includes and overrides applied, in file order, readable by config_parse(). */
enum status config_text(const struct config *config, struct text *text) MUST_CHECK;

#endif
