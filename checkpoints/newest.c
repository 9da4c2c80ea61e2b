#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "checkpoints/folder.h"
#include "checkpoints/store.h"

/* A search for a checkpoint that loads. */
struct search {
    const char *folder;
    store_skipped *skipped;
    void *context;
    size_t passed; /* files that are there and did not load */
    bool vanished; /* a file was removed while we searched: a run is saving here */
    struct checkpoint *checkpoint;
    char *path; /* of the checkpoint, or of the file under examination */
};

/* Leaves search->checkpoint NULL where the file does not load and another may. */
static enum status examine(struct search *search, const char *name)
{
    free(search->path);
    search->path = NULL;
    TRY(memory_format(&search->path, "%s/%s", search->folder, name));
    enum status status = checkpoint_load(search->path, &search->checkpoint);
    switch (status) {
    case STATUS_NOT_FOUND:
        search->vanished = true;
        return STATUS_OK;
    case STATUS_BAD_INPUT:
    case STATUS_CORRUPT:
    case STATUS_FAILED:
        search->passed++;
        if (search->skipped != NULL) {
            search->skipped(search->path, status_message(), search->context);
        }
        return STATUS_OK;
    default:
        return status;
    }
}

/* Lists the folder and tries what is there, the newest first. */
static enum status search_once(struct search *search, int folder)
{
    enum status status = STATUS_OK;
    struct step_list list = {0};
    search->vanished = false;
    search->passed = 0;
    TRY_OUT(folder_list(folder, &list));
    for (size_t i = 0; i < list.count && search->checkpoint == NULL; i++) {
        char name[COMMIT_NAME_SIZE];
        folder_step_name(list.steps[i], name);
        TRY_OUT(examine(search, name));
    }
out:
    free(list.steps);
    return status;
}

static enum status find(struct search *search, int folder)
{
    enum { ATTEMPTS = 10 }; /* a run that saves meanwhile can remove all that a list names */
    for (int i = 0; i < ATTEMPTS && (i == 0 || search->vanished); i++) {
        TRY(search_once(search, folder));
        if (search->checkpoint != NULL) {
            return STATUS_OK;
        }
    }
    TRY(examine(search, FOLDER_BEST));
    if (search->checkpoint != NULL) {
        return STATUS_OK;
    }
    if (search->passed > 0) {
        return fail(STATUS_CORRUPT,
                    "none of the %zu checkpoints in %s can be used; to begin anew, move them elsewhere first",
                    search->passed, search->folder);
    }
    return fail(STATUS_NOT_FOUND, "there is no checkpoint in %s", search->folder);
}

enum status store_load_newest(const char *folder, store_skipped *skipped, void *context, struct checkpoint **checkpoint,
                              char **path)
{
    enum status status = STATUS_OK;
    struct search search = {.folder = folder, .skipped = skipped, .context = context};
    *checkpoint = NULL;
    if (path != NULL) {
        *path = NULL;
    }
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? fail(STATUS_NOT_FOUND, "there is no folder %s with checkpoints", folder)
                   : fail(STATUS_FAILED, "%s cannot be opened: %s", folder, strerror(errno));
    }
    TRY_OUT(find(&search, opened));
    *checkpoint = search.checkpoint;
    if (path != NULL) {
        *path = search.path;
        search.path = NULL;
    }
out:
    free(search.path);
    close(opened);
    return status;
}

enum status store_find_best(const char *folder, char **path)
{
    *path = NULL;
    char *candidate = NULL;
    TRY(memory_format(&candidate, "%s/%s", folder, FOLDER_BEST));
    if (access(candidate, F_OK) != 0) {
        free(candidate);
        return fail(STATUS_NOT_FOUND, "no checkpoint in %s was marked as the best", folder);
    }
    *path = candidate;
    return STATUS_OK;
}
