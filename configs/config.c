#include "configs/config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "configs/ini.h"
#include "configs/internal.h"

struct section *config_find_section(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->section_count; i++) {
        if (strcmp(config->sections[i].name, name) == 0) {
            return &config->sections[i];
        }
    }
    return NULL;
}

struct entry *config_find_entry(const struct section *section, const char *key)
{
    for (size_t i = 0; i < section->entry_count; i++) {
        if (strcmp(section->entries[i].key, key) == 0) {
            return &section->entries[i];
        }
    }
    return NULL;
}

enum status config_where(const struct config *config, struct place place, char **where)
{
    if (place.file == COMMAND_LINE) {
        return memory_copy_string("command line", where);
    }
    const char *file = config->files[place.file];
    return place.line == 0 ? memory_copy_string(file, where) : memory_format(where, "%s:%d", file, place.line);
}

static enum status add_problem(struct config *config, struct place place, const char *format, va_list arguments)
{
    char *where = NULL;
    char *what = NULL;
    char *text = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(config_where(config, place, &where));
    if (vasprintf(&what, format, arguments) < 0) {
        what = NULL;
        status = fail(STATUS_NO_MEMORY, "out of memory for a list of problems");
        goto out;
    }
    TRY_OUT(memory_format(&text, "%s: %s", where, what));
    TRY_OUT(problems_add(&config->problems, place.file, place.line, text));
out:
    free(where);
    free(what);
    return status;
}

enum status config_add_problem(struct config *config, struct place place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    enum status status = add_problem(config, place, format, arguments);
    va_end(arguments);
    return status;
}

static enum status add_problem_at(struct config *config, const char *section, const char *key, const char *text)
{
    struct place place = {0, 0};
    const struct section *found = section != NULL ? config_find_section(config, section) : NULL;
    const struct entry *entry = found != NULL && key != NULL ? config_find_entry(found, key) : NULL;
    if (entry != NULL) {
        place = entry->place;
    } else if (found != NULL) {
        place = found->place;
    }
    if (section == NULL) {
        return config_add_problem(config, place, "%s", text);
    }
    if (key == NULL) {
        return config_add_problem(config, place, "[%s] %s", section, text);
    }
    return config_add_problem(config, place, "[%s] %s: %s", section, key, text);
}

void config_problem(struct config *config, const char *section, const char *key, const char *format, ...)
{
    char *text = NULL;
    enum status status;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
        status = STATUS_NO_MEMORY;
    } else {
        status = add_problem_at(config, section, key, text);
    }
    va_end(arguments);
    free(text);
    if (status != STATUS_OK) {
        config->status = status;
    }
}

void config_destroy(struct config *config)
{
    if (config == NULL) {
        return;
    }
    for (size_t i = 0; i < config->section_count; i++) {
        struct section *section = &config->sections[i];
        for (size_t j = 0; j < section->entry_count; j++) {
            free(section->entries[j].key);
            free(section->entries[j].value);
            free(section->entries[j].where);
        }
        free(section->entries);
        free(section->name);
    }
    free(config->sections);
    for (size_t i = 0; i < config->file_count; i++) {
        free(config->files[i]);
    }
    free(config->files);
    for (size_t i = 0; i < config->reader_count; i++) {
        free(config->readers[i].section);
    }
    free(config->readers);
    problems_release(&config->problems);
    free(config);
}

bool config_has_section(const struct config *config, const char *section)
{
    return config_find_section(config, section) != NULL;
}

const char *config_section_name(const struct config *config, const char *prefix, size_t index)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section *section = &config->sections[i];
        if (section->place.file == COMMAND_LINE || strncmp(section->name, prefix, strlen(prefix)) != 0) {
            continue;
        }
        if (index == 0) {
            return section->name;
        }
        index--;
    }
    return NULL;
}

const char *config_get(const struct config *config, const char *section, const char *key, const char **line)
{
    const struct section *found = config_find_section(config, section);
    const struct entry *entry = found != NULL ? config_find_entry(found, key) : NULL;
    if (line != NULL) {
        *line = entry != NULL ? entry->where : NULL;
    }
    return entry != NULL ? entry->value : NULL;
}

const char *config_override(const struct config *config, const char *section, size_t index, const char **value)
{
    const struct section *found = config_find_section(config, section);
    for (size_t i = 0; found != NULL && i < found->entry_count; i++) {
        const struct entry *entry = &found->entries[i];
        if (entry->place.file == COMMAND_LINE && index-- == 0) {
            *value = entry->value;
            return entry->key;
        }
    }
    return NULL;
}

enum status config_place(const struct config *config, const char *section, char **where)
{
    const struct section *found = config_find_section(config, section);
    return config_where(config, found != NULL ? found->place : (struct place){0, 0}, where);
}

static enum status remember_reader(struct config *config, const char *section, const struct option *table)
{
    for (size_t i = 0; i < config->reader_count; i++) {
        if (config->readers[i].table == table && strcmp(config->readers[i].section, section) == 0) {
            return STATUS_OK;
        }
    }
    TRY(memory_resize(config->reader_count + 1, sizeof *config->readers, &config->readers));
    struct reader *reader = &config->readers[config->reader_count];
    reader->table = table;
    TRY(memory_copy_string(section, &reader->section));
    config->reader_count++;
    return STATUS_OK;
}

static enum status read_option(struct config *config, const char *section, const struct option *option, void *values)
{
    const struct section *found = config_find_section(config, section);
    const struct entry *entry = found != NULL ? config_find_entry(found, option->name) : NULL;
    bool required = option->fallback == NULL;
    if (entry == NULL && !required) {
        return STATUS_OK;
    }
    if (entry == NULL || (required && entry->value[0] == '\0')) {
        struct place nowhere = found != NULL ? found->place : (struct place){0, 0};
        struct place place = entry != NULL ? entry->place : nowhere;
        const char *value = NULL;
        const char *set = config_override(config, section, 0, &value); /* it may be why more is needed */
        return config_add_problem(config, place, "[%s] needs the key \"%s\": %s%s%s%s%s", section, option->name,
                                  option->help, set != NULL ? "; the command line sets " : "", set != NULL ? set : "",
                                  set != NULL ? " = " : "", set != NULL ? value : "");
    }
    enum status status = option_parse(option, entry->value, values);
    if (status == STATUS_BAD_INPUT) {
        status = config_add_problem(config, entry->place, "[%s] %s", section, status_message());
        status_clear();
    }
    return status;
}

enum status config_read(struct config *config, const char *section, const struct option *table, void *values)
{
    TRY(option_defaults(table, values));
    enum status status = STATUS_OK;
    TRY_OUT(remember_reader(config, section, table));
    for (const struct option *option = table; option->name != NULL; option++) {
        TRY_OUT(read_option(config, section, option, values));
    }
    return STATUS_OK;
out:
    option_release(table, values);
    return status;
}

size_t config_problem_count(const struct config *config)
{
    return config->problems.count + config->problems.left_out;
}

/* The names of all sections that were read, or of all keys that readers of `section` know, into *names. */
static enum status collect_names(const struct config *config, const char *section, const char ***names, size_t *count)
{
    size_t most = 0;
    for (size_t i = 0; i < config->reader_count; i++) {
        most++;
        for (const struct option *option = config->readers[i].table; option->name != NULL; option++) {
            most++;
        }
    }
    TRY(memory_allocate(most, sizeof **names, names));
    *count = 0;
    for (size_t i = 0; i < config->reader_count; i++) {
        const struct reader *reader = &config->readers[i];
        if (section == NULL) {
            (*names)[(*count)++] = reader->section;
        } else if (strcmp(reader->section, section) == 0) {
            for (const struct option *option = reader->table; option->name != NULL; option++) {
                (*names)[(*count)++] = option->name;
            }
        }
    }
    return STATUS_OK;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static enum status tell_unknown_section(struct config *config, struct section *section, const char *const *names,
                                        size_t count)
{
    section->unknown = true;
    const char *nearest = nearest_name(names, count, section->name);
    if (nearest == NULL) {
        return config_add_problem(config, section->place, "there is no section [%s]", section->name);
    }
    return config_add_problem(config, section->place, "there is no section [%s]; did you mean [%s]?", section->name,
                              nearest);
}

static enum status tell_unknown_key(struct config *config, const struct section *section, struct entry *entry,
                                    const char *const *names, size_t count)
{
    entry->unknown = true;
    if (strcmp(entry->key, "include") == 0) {
        return config_add_problem(config, entry->place, "[%s] \"include\" must stand before the first section",
                                  section->name);
    }
    const char *nearest = nearest_name(names, count, entry->key);
    if (nearest != NULL) {
        return config_add_problem(config, entry->place, "[%s] has no key \"%s\"; did you mean \"%s\"?", section->name,
                                  entry->key, nearest);
    }
    struct text known = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        TRY_OUT(text_add(&known, "%s%s", i == 0 ? "" : ", ", names[i]));
    }
    TRY_OUT(config_add_problem(config, entry->place, "[%s] has no key \"%s\"; it knows %s", section->name, entry->key,
                               count > 0 ? text_get(&known) : "none"));
out:
    text_release(&known);
    return status;
}

static enum status check_keys(struct config *config, struct section *section)
{
    const char **names;
    size_t count;
    TRY(collect_names(config, section->name, &names, &count));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < section->entry_count; i++) {
        struct entry *entry = &section->entries[i];
        if (!entry->unknown && !is_among(entry->key, names, count)) {
            TRY_OUT(tell_unknown_key(config, section, entry, names, count));
        }
    }
out:
    free(names);
    return status;
}

void config_skip(struct config *config, const char *prefix)
{
    for (size_t i = 0; i < config->section_count; i++) {
        struct section *section = &config->sections[i];
        section->skipped = section->skipped || strncmp(section->name, prefix, strlen(prefix)) == 0;
    }
}

enum status config_check(struct config *config)
{
    if (config->status != STATUS_OK) {
        return fail(config->status, "out of memory for a list of problems");
    }
    const char **names;
    size_t count;
    TRY(collect_names(config, NULL, &names, &count));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < config->section_count; i++) {
        struct section *section = &config->sections[i];
        if (section->skipped) {
            continue;
        }
        if (is_among(section->name, names, count)) {
            TRY_OUT(check_keys(config, section));
        } else if (!section->unknown) {
            TRY_OUT(tell_unknown_section(config, section, names, count));
        }
    }
    TRY_OUT(problems_report(&config->problems));
out:
    free(names);
    return status;
}

enum status config_text(const struct config *config, struct text *text)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct section *section = &config->sections[i];
        TRY(text_add(text, "%s[%s]\n", i == 0 ? "" : "\n", section->name));
        for (size_t j = 0; j < section->entry_count; j++) {
            const struct entry *entry = &section->entries[j];
            TRY(text_add(text, entry->value[0] != '\0' ? "%s = " : "%s =", entry->key));
            TRY(ini_add_value(text, entry->value));
            TRY(text_add(text, "\n"));
        }
    }
    return STATUS_OK;
}
