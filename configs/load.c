/* From files and the command line to sections and keys. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "configs/ini.h"
#include "configs/internal.h"

enum {
    FILE_SIZE_LIMIT = 1 << 20,
    FILE_COUNT_LIMIT = 100, /* files that each include the next one twice would be opened without end */
};

/* A file that is being read, and the chain of those that include it. */
struct source {
    const struct source *includer;
    const char *path;
    int file;
    bool is_file; /* not a text in memory, so the next two identify it */
    dev_t device;
    ino_t inode;
};

static enum status load_text(struct config *config, const struct source *source, char *text) MUST_CHECK;

static enum status add_section(struct config *config, const char *name, struct place place, struct section **section)
{
    TRY(memory_resize(config->section_count + 1, sizeof *config->sections, &config->sections));
    struct section *added = &config->sections[config->section_count];
    *added = (struct section){.place = place};
    TRY(memory_copy_string(name, &added->name));
    config->section_count++;
    *section = added;
    return STATUS_OK;
}

static enum status open_section(struct config *config, const char *name, struct place place, struct section **section)
{
    *section = config_find_section(config, name);
    if (*section == NULL) {
        return add_section(config, name, place, section);
    }
    if ((*section)->place.file == place.file) {
        TRY(config_add_problem(config, place, "[%s] is opened twice in this file; line %d opens it first", name,
                               (*section)->place.line));
        return STATUS_OK;
    }
    (*section)->place = place;
    return STATUS_OK;
}

static enum status add_entry(struct section *section, const char *key, struct entry **entry)
{
    TRY(memory_resize(section->entry_count + 1, sizeof *section->entries, &section->entries));
    struct entry *added = &section->entries[section->entry_count];
    *added = (struct entry){0};
    TRY(memory_copy_string(key, &added->key));
    section->entry_count++;
    *entry = added;
    return STATUS_OK;
}

static enum status set_value(struct config *config, struct section *section, const char *key, const char *value,
                             struct place place)
{
    struct entry *entry = config_find_entry(section, key);
    if (entry == NULL) {
        TRY(add_entry(section, key, &entry));
    } else if (entry->place.file == place.file && place.file != COMMAND_LINE) {
        return config_add_problem(config, place, "[%s] %s is set twice in this file; line %d sets it first",
                                  section->name, key, entry->place.line);
    }
    char *new_value = NULL;
    char *new_where = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_copy_string(value, &new_value));
    TRY_OUT(config_where(config, place, &new_where));
    free(entry->value);
    free(entry->where);
    entry->value = new_value;
    entry->where = new_where;
    entry->place = place;
    return STATUS_OK;
out:
    free(new_value);
    return status;
}

static enum status add_file(struct config *config, const char *path, int *file)
{
    if (config->file_count == FILE_COUNT_LIMIT) {
        return fail(STATUS_BAD_INPUT, "%s: more than %d files are included", path, (int)FILE_COUNT_LIMIT);
    }
    TRY(memory_resize(config->file_count + 1, sizeof *config->files, &config->files));
    TRY(memory_copy_string(path, &config->files[config->file_count]));
    *file = (int)config->file_count;
    config->file_count++;
    return STATUS_OK;
}

static enum status check_circle(const struct source *source)
{
    for (const struct source *other = source->includer; other != NULL; other = other->includer) {
        if (other->is_file && other->device == source->device && other->inode == source->inode) {
            return fail(STATUS_BAD_INPUT, "%s is being read already: files cannot include each other in a circle",
                        source->path);
        }
    }
    return STATUS_OK;
}

/* Into `text`, which has room for FILE_SIZE_LIMIT + 2 bytes, the last of them zero already. */
static enum status read_text(FILE *file, const char *path, char *text)
{
    size_t size = fread(text, 1, FILE_SIZE_LIMIT + 1, file);
    if (ferror(file) != 0) {
        return fail(STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
    }
    if (size > FILE_SIZE_LIMIT) {
        return fail(STATUS_BAD_INPUT, "%s: larger than 1 MiB, so it is hardly a configuration", path);
    }
    const char *zero = memchr(text, '\0', size);
    if (zero != NULL) {
        return fail(STATUS_BAD_INPUT, "%s: byte %td is zero, so it is no text in UTF-8", path, zero - text + 1);
    }
    return STATUS_OK;
}

static enum status load_file(struct config *config, const char *path, const struct source *includer)
{
    struct source source = {.includer = includer, .path = path, .is_file = true};
    char *text = NULL;
    enum status status = STATUS_OK;
    FILE *file = fopen(path, "re");
    struct stat information;
    if (file == NULL || fstat(fileno(file), &information) != 0) {
        status = fail(STATUS_BAD_INPUT, "%s: %s", path, strerror(errno));
        goto out;
    }
    source.device = information.st_dev;
    source.inode = information.st_ino;
    TRY_OUT(check_circle(&source));
    TRY_OUT(add_file(config, path, &source.file));
    TRY_OUT(memory_allocate(FILE_SIZE_LIMIT + 2, 1, &text));
    TRY_OUT(read_text(file, path, text));
    TRY_OUT(load_text(config, &source, text));
out:
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return status;
}

static enum status include(struct config *config, const struct source *source, int line, const char *value)
{
    if (*value == '\0') {
        return config_add_problem(config, (struct place){source->file, line}, "include: the name of a file is wanted");
    }
    const char *slash = strrchr(source->path, '/');
    int folder = slash != NULL && value[0] != '/' ? (int)(slash - source->path) + 1 : 0;
    char *path;
    TRY(memory_format(&path, "%.*s%s", folder, source->path, value));
    enum status status = load_file(config, path, source);
    free(path);
    return status == STATUS_OK ? STATUS_OK : fail_context(status, "%s:%d: include: ", source->path, line);
}

static enum status load_text(struct config *config, const struct source *source, char *text)
{
    struct ini ini;
    ini_init(&ini, text);
    bool head = true; /* before the first section */
    struct section *section = NULL;
    for (;;) {
        enum ini_kind kind = ini_next(&ini);
        struct place place = {source->file, ini.line};
        switch (kind) {
        case INI_END:
            return STATUS_OK;
        case INI_BAD_LINE:
            TRY(config_add_problem(config, place, "%s", ini.problem));
            break;
        case INI_BAD_SECTION:
            TRY(config_add_problem(config, place, "%s", ini.problem));
            head = false;
            section = NULL;
            break;
        case INI_SECTION:
            TRY(open_section(config, ini.name, place, &section));
            head = false;
            break;
        case INI_KEY:
            if (section != NULL) {
                TRY(set_value(config, section, ini.name, ini.value, place));
            } else if (head && strcmp(ini.name, "include") == 0) {
                TRY(include(config, source, ini.line, ini.value));
            } else if (head) {
                TRY(config_add_problem(config, place, "%s: only \"include\" may stand before the first section",
                                       ini.name));
            }
            break;
        }
    }
}

/* Cuts "section.key=value" in place; false where it is none. */
static bool split_override(char *text, char **key, char **value)
{
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        return false;
    }
    *equals = '\0';
    char *dot = strrchr(text, '.');
    if (dot == NULL) {
        return false;
    }
    *dot = '\0';
    *key = ini_trim(dot + 1);
    *value = ini_trim(equals + 1);
    return true;
}

static enum status apply_override(struct config *config, const char *override, struct place place)
{
    char problem[INI_PROBLEM_SIZE];
    char *key;
    char *value;
    char *name = NULL;
    enum status status = STATUS_OK;
    if (!ini_check_characters(override, problem)) {
        return config_add_problem(config, place, "override %d: %s", place.line, problem);
    }
    TRY(memory_copy_string(override, &name));
    if (!split_override(name, &key, &value)) {
        int shown = text_excerpt(override, 60);
        status = config_add_problem(config, place, "%.*s%s: write section.key=value, as in run.epochs=5", shown,
                                    override, override[shown] != '\0' ? "..." : "");
    } else if (!ini_clean_section(name, problem) || !ini_check_key(key, problem)) {
        status = config_add_problem(config, place, "%s", problem);
    } else {
        struct section *section = config_find_section(config, name);
        if (section == NULL) {
            TRY_OUT(add_section(config, name, place, &section));
        }
        TRY_OUT(set_value(config, section, key, value, place));
    }
out:
    free(name);
    return status;
}

static enum status apply_overrides(struct config *config, const char *const *overrides, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        TRY(apply_override(config, overrides[i], (struct place){COMMAND_LINE, (int)i + 1}));
    }
    return STATUS_OK;
}

enum status config_load(const char *path, const char *const *overrides, size_t override_count, struct config **config)
{
    *config = NULL;
    struct config *loaded;
    enum status status = STATUS_OK;
    TRY(memory_allocate(1, sizeof *loaded, &loaded));
    TRY_OUT(load_file(loaded, path, NULL));
    TRY_OUT(apply_overrides(loaded, overrides, override_count));
    *config = loaded;
    return STATUS_OK;
out:
    config_destroy(loaded);
    return status;
}

enum status config_parse(const char *name, const char *text, const char *const *overrides, size_t override_count,
                         struct config **config)
{
    *config = NULL;
    struct config *loaded;
    struct source source = {.path = name};
    char *copy = NULL; /* the reader cuts it up */
    enum status status = STATUS_OK;
    TRY(memory_allocate(1, sizeof *loaded, &loaded));
    TRY_OUT(add_file(loaded, name, &source.file));
    TRY_OUT(memory_copy_string(text, &copy));
    TRY_OUT(load_text(loaded, &source, copy));
    TRY_OUT(apply_overrides(loaded, overrides, override_count));
    *config = loaded;
    loaded = NULL;
out:
    config_destroy(loaded);
    free(copy);
    return status;
}
