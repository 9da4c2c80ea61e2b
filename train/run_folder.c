#include "train/run_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

enum status run_folder_path(const struct run_options *run, const char *file, char **path)
{
    return memory_format(path, "%s/%s%s%s", run->folder, run->name, file[0] != '\0' ? "/" : "", file);
}

static enum status make_folders(const char *path)
{
    char *copy;
    TRY(memory_copy_string(path, &copy));
    enum status status = STATUS_OK;
    for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
            status = fail(STATUS_BAD_INPUT, "the folder %s cannot be made: %s; run.folder says where runs are kept",
                          copy, strerror(errno));
            break;
        }
        if (slash == NULL) {
            break;
        }
        *slash = '/';
    }
    free(copy);
    return status;
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

enum status run_folder_prepare(const struct run_options *run, bool keep)
{
    char *folder = NULL;
    char *config = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(run_folder_path(run, "", &folder));
    TRY_OUT(run_folder_path(run, "config.ini", &config));
    if (!keep && access(config, F_OK) == 0) {
        TRY_OUT(move_aside(folder));
    }
    status = make_folders(folder);
out:
    free(folder);
    free(config);
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
