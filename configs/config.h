/*
 * The INI: sections of key = value lines, each value remembered with its file and line.
 *
 *   include = other.ini  ; before the first section: read that file first (path relative to this one); later lines win
 *   [section]            ; a comment; "#" opens one too
 *   key = value          ; the value ends before " ;" or " #" (a blank and the sign), blanks around it do not count
 *   key = " a; \"b\" "   ; in double quotes everything counts; \" and \\ stand for a quote and a backslash
 *   key =                ; the empty value
 *
 * A value that does not begin with a quote is taken as it stands, quotes and backslashes in it included. A file is text
 * in UTF-8 (a byte order mark and \r\n are fine, control characters are not) of at most 1 MiB; lines may be as long as
 * that. Keys are letters, digits, "_" and "-"; a section's name is anything but [ ] = ; # ", and each run of blanks in
 * it counts as one space; both have at most 128 bytes. A section opened, or a key set, twice in one file is a problem;
 * in several files the later adds to, and overrides, the earlier. Includes may nest, but not in a circle.
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
 * Reads `path` and applies `overrides`, each "section.key=value" ("layer conv1.kernel=5" for a section with a space;
 * the last dot before "=" counts). An override's value is taken as it stands, without comments and quotes, less the
 * blanks around it; of two for one key the later wins. Messages name its place "command line".
 * A file that cannot be read (missing, no text, too large, an include in a circle) fails at once with STATUS_BAD_INPUT,
 * and *config is NULL; all other problems wait for config_check().
 */
enum status config_load(const char *path, const char *const *overrides, size_t override_count,
                        struct config **config) MUST_CHECK;
/* The same from text; `name` stands for the file in messages, and its folder is where includes are looked for. */
enum status config_parse(const char *name, const char *text, const char *const *overrides, size_t override_count,
                         struct config **config) MUST_CHECK;
void config_destroy(struct config *config);

bool config_has_section(const struct config *config, const char *section);
/*
 * Names of all sections that start with `prefix`, in the order of first appearance: index 0, 1, ... until NULL.
 * Sections that only the command line names are left out: an override changes a layer, it adds none.
 */
const char *config_section_name(const struct config *config, const char *prefix, size_t index);
/*
 * The text of a key, or NULL. Does not count as reading it. `line`, if not NULL, gets "file:line" (NULL without key).
 */
const char *config_get(const struct config *config, const char *section, const char *key, const char **line);
/* The keys of a section that the command line sets, in order: index 0, 1, ... until NULL. *value gets the text. */
const char *config_override(const struct config *config, const char *section, size_t index, const char **value);
/* "file:line" of a section, the file where it is absent; the caller frees it. */
enum status config_place(const struct config *config, const char *section, char **where) MUST_CHECK;

/*
 * Fills `values` from the table's defaults and the section; a section that is absent is all defaults. What `values`
 * held before is overwritten, not freed; option_release() frees its strings. Problems are collected, and `values` then
 * holds the default, or zero for a required key. Keys that no reader asked for are unknown; several readers may share
 * one section (a layer's common keys and its type's own). The table must outlive `config`. Fails for want of memory or
 * a wrong default only, and then leaves nothing to free.
 */
enum status config_read(struct config *config, const char *section, const struct option *table,
                        void *values) MUST_CHECK;

/*
 * Adds a problem at a key's line (key NULL or absent: at the section's line; section NULL or absent: at the file):
 * "configs/x.ini:12: [section] key: " and the text.
 */
void config_problem(struct config *config, const char *section, const char *key, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* How many problems are known so far: a reader that sees it grow over its calls of config_read() has only defaults. */
size_t config_problem_count(const struct config *config);
/*
 * The keys of sections whose names start with `prefix` are not judged, because their readers did not get that far (the
 * type of a layer is unknown, say): so that one problem is not followed by many that are none.
 */
void config_skip(struct config *config, const char *prefix);
/*
 * OK, or STATUS_BAD_INPUT with every problem collected so far, one a line, in the order of files and lines, unknown
 * sections and keys among them; so call it when all readers have read. Past 100 problems it counts the rest.
 */
enum status config_check(struct config *config) MUST_CHECK;

/* The resolved text: all includes and overrides applied, in file order, readable by config_parse(). */
enum status config_text(const struct config *config, struct text *text) MUST_CHECK;

#endif
