#include "train/run_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum status run_folder_path(const struct run_options *run, const char *file, char **path)
{
    return memory_format(path, "%s/%s%s%s", run->folder, run->name, file[0] != '\0' ? "/" : "", file);
}

static enum status move_aside(const char *folder)
{
    for (int i = 1; i < 100000; i++) {
        char *aside;
        TRY(memory_format(&aside, "%s.%d", folder, i));
        bool taken = access(aside, F_OK) == 0;
        enum status status = STATUS_OK;
        if (!taken) {
            if (rename(folder, aside) == 0) {
                log_info("%s held another run; it now lies in %s", folder, aside);
            } else {
                status = fail(STATUS_FAILED, "%s holds another run and cannot be moved to %s: %s", folder, aside,
                              strerror(errno));
            }
        }
        free(aside);
        if (!taken) {
            return status;
        }
    }
    return fail(STATUS_FAILED, "%s holds another run, and so do %s.1 to %s.99999", folder, folder, folder);
}

bool run_folder_is_used(const struct run_options *run)
{
    char *config;
    if (run_folder_path(run, "config.ini", &config) != STATUS_OK) {
        return false;
    }
    bool used = access(config, F_OK) == 0;
    free(config);
    return used;
}

bool run_folder_holds(const struct run_options *run, const char *resume)
{
    if (resume == NULL || strcmp(resume, "auto") == 0) {
        return resume != NULL;
    }
    char *folder;
    if (run_folder_path(run, "checkpoints", &folder) != STATUS_OK) {
        return false;
    }
    char *real_folder = realpath(folder, NULL);
    char *real_file = realpath(resume, NULL);
    bool holds = false;
    if (real_folder != NULL && real_file != NULL) {
        size_t length = strlen(real_folder);
        holds = strncmp(real_file, real_folder, length) == 0 && real_file[length] == '/';
    }
    free(real_folder);
    free(real_file);
    free(folder);
    return holds;
}

enum status run_folder_move_aside(const struct run_options *run)
{
    char *folder;
    TRY(run_folder_path(run, "", &folder));
    enum status status = move_aside(folder);
    free(folder);
    return status;
}

enum status run_folder_write_config(const struct run_options *run, const struct config *config)
{
    struct text text = {0};
    char *path = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(config_text(config, &text));
    TRY_OUT(run_folder_path(run, "config.ini", &path));
    FILE *file = fopen(path, "w");
    bool written = file != NULL && fputs(text_get(&text), file) >= 0;
    if (file == NULL || fclose(file) != 0 || !written) {
        status = fail(STATUS_FAILED, "%s cannot be written: %s", path, strerror(errno));
    }
out:
    free(path);
    text_release(&text);
    return status;
}
