#include "checkpoints/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

void folder_step_name(int64_t step, char name[COMMIT_NAME_SIZE])
{
    snprintf(name, COMMIT_NAME_SIZE, "step-%08" PRId64 ".h5", step);
}

/* The step in a name that folder_step_name() made, otherwise -1. */
static int64_t step_of(const char *name)
{
    int64_t step;
    char again[COMMIT_NAME_SIZE];
    if (strncmp(name, "step-", 5) != 0 || sscanf(name + 5, "%19" SCNd64, &step) != 1 || step < 0) {
        return -1;
    }
    folder_step_name(step, again);
    return strcmp(name, again) == 0 ? step : -1;
}

static bool is_temporary(const char *name)
{
    size_t length = strlen(name);
    size_t ending = strlen(COMMIT_TEMPORARY);
    char stem[COMMIT_NAME_SIZE];
    if (length <= ending || length - ending >= sizeof stem || strcmp(name + length - ending, COMMIT_TEMPORARY) != 0) {
        return false;
    }
    snprintf(stem, sizeof stem, "%.*s", (int)(length - ending), name);
    return step_of(stem) >= 0 || strcmp(stem, FOLDER_BEST) == 0;
}

/* Calls `each` for every name in the folder. */
static enum status each_name(int folder, enum status (*each)(int folder, const char *name, void *context),
                             void *context)
{
    enum status status = STATUS_OK;
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = again >= 0 ? fdopendir(again) : NULL;
    if (names == NULL) {
        status = fail(STATUS_FAILED, "the folder cannot be listed: %s", strerror(errno));
        if (again >= 0) {
            close(again);
        }
        return status;
    }
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (entry == NULL) {
            if (errno != 0) {
                status = fail(STATUS_FAILED, "the folder cannot be listed: %s", strerror(errno));
            }
            break;
        }
        TRY_OUT(each(folder, entry->d_name, context));
    }
out:
    closedir(names);
    return status;
}

static enum status add_step(int folder, const char *name, void *context)
{
    (void)folder;
    struct step_list *list = context;
    int64_t step = step_of(name);
    if (step < 0) {
        return STATUS_OK;
    }
    TRY(memory_resize(list->count + 1, sizeof *list->steps, &list->steps));
    list->steps[list->count++] = step;
    return STATUS_OK;
}

static int descending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

enum status folder_list(int folder, struct step_list *list)
{
    TRY(each_name(folder, add_step, list));
    if (list->count > 0) {
        qsort(list->steps, list->count, sizeof *list->steps, descending);
    }
    return STATUS_OK;
}

static enum status remove_temporary(int folder, const char *name, void *context)
{
    (void)context;
    if (!is_temporary(name)) {
        return STATUS_OK;
    }
    if (unlinkat(folder, name, 0) != 0 && errno != ENOENT) {
        return fail(STATUS_FAILED, "%s, left by an interrupted save, cannot be removed: %s", name, strerror(errno));
    }
    log_info("removed %s, left by an interrupted save", name);
    return STATUS_OK;
}

enum status folder_remove_temporary(int folder)
{
    return each_name(folder, remove_temporary, NULL);
}

/* A new folder lasts through a crash only once its parent is synced. */
static void sync_parent(const char *path)
{
    char *copy = NULL;
    if (asprintf(&copy, "%s/..", path) < 0) {
        return;
    }
    int parent = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0) {
        (void)fsync(parent); /* the saves sync the folder itself and do report */
        close(parent);
    }
    free(copy);
}

static enum status make_one(const char *path)
{
    if (mkdir(path, 0777) == 0) {
        sync_parent(path);
        return STATUS_OK;
    }
    int error = errno;
    struct stat about;
    if (stat(path, &about) == 0) {
        return S_ISDIR(about.st_mode) ? STATUS_OK : fail(STATUS_BAD_INPUT, "%s is a file, not a folder", path);
    }
    return fail(STATUS_FAILED, "the folder %s cannot be made: %s", path, strerror(error));
}

enum status folder_make(const char *path)
{
    enum status status = STATUS_OK;
    char *part = NULL;
    TRY(memory_copy_string(path, &part));
    for (char *at = part; *at != '\0'; at++) {
        if (*at == '/' && at > part) {
            *at = '\0';
            TRY_OUT(make_one(part));
            *at = '/';
        }
    }
    TRY_OUT(make_one(part));
out:
    free(part);
    return status;
}
