#include "cli/subject.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "checkpoints/store.h"
#include "version.h"

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

/* A config is text; a checkpoint begins with a block that holds zeros. A damaged .h5 is still a checkpoint. */
static bool looks_like_config(const char *path)
{
    char begin[512];
    if (ends_with(path, ".h5") || ends_with(path, ".ini")) {
        return ends_with(path, ".ini");
    }
    FILE *file = fopen(path, "rb");
    size_t size = file != NULL ? fread(begin, 1, sizeof begin, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return memchr(begin, '\0', size) == NULL;
}

/* --- configs ------------------------------------------------------------------------------------------------------ */

/* "; lemnos came with digits.ini, line.ini", or nothing. */
static enum status list_installed(struct text *list)
{
    struct dirent **entries;
    int count = scandir(LEMNOS_CONFIG_FOLDER, &entries, NULL, alphasort);
    enum status status = STATUS_OK;
    for (int i = 0; i < count; i++) {
        if (status == STATUS_OK && ends_with(entries[i]->d_name, ".ini")) {
            status =
                text_add(list, "%s%s", list->length == 0 ? "; these came with lemnos: " : ", ", entries[i]->d_name);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return status;
}

static enum status not_there(const char *path)
{
    struct text list = {0};
    enum status status = list_installed(&list);
    if (status == STATUS_OK) {
        status = fail(STATUS_BAD_INPUT, "there is no file %s%s", path, text_get(&list));
    }
    text_release(&list);
    return status;
}

static enum status find_config(const char *path, char **found)
{
    *found = NULL;
    if (access(path, F_OK) == 0) {
        return memory_copy_string(path, found);
    }
    if (strchr(path, '/') == NULL) {
        TRY(memory_format(found, "%s/%s", LEMNOS_CONFIG_FOLDER, path));
        if (access(*found, F_OK) == 0) {
            log_info("there is no %s here; taking %s", path, *found);
            return STATUS_OK;
        }
        free(*found);
        *found = NULL;
    }
    return not_there(path);
}

enum status subject_load_config(const struct arguments *arguments, struct config **config)
{
    char *path;
    *config = NULL;
    TRY(find_config(arguments->words[0], &path));
    enum status status =
        is_folder(path) ? fail(STATUS_BAD_INPUT,
                               "%s is a folder; a config is wanted, or --resume %s to go on with a run", path, path)
                        : config_load(path, arguments->overrides, arguments->override_count, config);
    free(path);
    return status;
}

enum status subject_saved_config(const struct checkpoint *checkpoint, const char *path,
                                 const struct arguments *arguments, struct config **config)
{
    *config = NULL;
    const char *text = checkpoint_text(checkpoint, "config");
    if (text == NULL) {
        return fail(STATUS_BAD_INPUT, "%s holds no config: it was not written by lemnos train", path);
    }
    char *name;
    TRY(memory_format(&name, "the config in %s", path));
    enum status status = config_parse(name, text, arguments->overrides, arguments->override_count, config);
    free(name);
    return status;
}

/* --- checkpoints -------------------------------------------------------------------------------------------------- */

static void tell_skipped(const char *path, const char *reason, void *context)
{
    (void)context;
    log_info("passing over %s: %s", path, reason);
}

static enum status open_folder(const char *path, struct subject *subject)
{
    char *folder;
    TRY(memory_format(&folder, "%s/checkpoints", path));
    bool is_run = is_folder(folder);
    enum status status =
        store_load_newest(is_run ? folder : path, tell_skipped, NULL, &subject->checkpoint, &subject->path);
    if (status == STATUS_NOT_FOUND) {
        status = fail(STATUS_BAD_INPUT, "the folder %s holds no checkpoint", is_run ? folder : path);
    }
    free(folder);
    return status;
}

enum status subject_open_checkpoint(const char *path, struct subject *subject)
{
    *subject = (struct subject){0};
    if (is_folder(path)) {
        return open_folder(path, subject);
    }
    if (access(path, F_OK) != 0) {
        return fail(STATUS_BAD_INPUT, "there is no checkpoint and no run %s", path);
    }
    TRY(checkpoint_load(path, &subject->checkpoint));
    return memory_copy_string(path, &subject->path);
}

enum status subject_open(const struct arguments *arguments, struct subject *subject)
{
    const char *path = arguments->words[0];
    *subject = (struct subject){0};
    enum status status = STATUS_OK;
    bool bare_config = access(path, F_OK) != 0 && ends_with(path, ".ini");
    if (bare_config || (access(path, F_OK) == 0 && !is_folder(path) && looks_like_config(path))) {
        TRY_OUT(subject_load_config(arguments, &subject->config));
        TRY_OUT(memory_copy_string(path, &subject->path));
        return STATUS_OK;
    }
    TRY_OUT(subject_open_checkpoint(path, subject));
    TRY_OUT(subject_saved_config(subject->checkpoint, subject->path, arguments, &subject->config));
    return STATUS_OK;
out:
    subject_release(subject);
    return status;
}

void subject_release(struct subject *subject)
{
    config_destroy(subject->config);
    checkpoint_destroy(subject->checkpoint);
    free(subject->path);
    *subject = (struct subject){0};
}
