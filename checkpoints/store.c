#include "checkpoints/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "checkpoints/commit.h"
#include "checkpoints/folder.h"
#include "checkpoints/image.h"

struct store {
    char *path;
    int folder; /* the open folder, and the lock on it */
    int keep;
    struct image image;
    uint8_t *buffer; /* COMMIT_BUFFER_SIZE bytes for reading back */
};

/* A second run in the same folder would prune the checkpoints of the first. The lock ends with the process. */
static enum status lock_folder(const struct store *store)
{
    if (flock(store->folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return fail(STATUS_BAD_INPUT, "another run is saving to %s: give this one another name (run.name)",
                    store->path);
    }
    return STATUS_OK; /* a file system without locks: there the user has to take care */
}

static enum status open_folder(struct store *store)
{
    TRY(folder_make(store->path));
    store->folder = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder < 0) {
        return fail(STATUS_FAILED, "%s cannot be opened: %s", store->path, strerror(errno));
    }
    if (faccessat(store->folder, ".", W_OK, 0) != 0) {
        return fail(STATUS_FAILED, "nothing can be written to %s: %s", store->path, strerror(errno));
    }
    TRY(lock_folder(store));
    if (folder_remove_temporary(store->folder) != STATUS_OK) {
        return fail_context(STATUS_FAILED, "%s: ", store->path);
    }
    return STATUS_OK;
}

enum status store_create(const struct store_params *params, struct store **result)
{
    *result = NULL;
    if (params->keep < 1) {
        return fail(STATUS_BAD_INPUT, "checkpoint.keep is %d: at least the newest checkpoint has to be kept",
                    params->keep);
    }
    if (params->folder[0] == '\0') {
        return fail(STATUS_BAD_INPUT, "the folder for checkpoints has no name");
    }
    enum status status = STATUS_OK;
    struct store *store = NULL;
    TRY(memory_allocate(1, sizeof *store, &store));
    store->folder = -1;
    store->keep = params->keep;
    TRY_OUT(memory_copy_string(params->folder, &store->path));
    TRY_OUT(memory_allocate_touched(COMMIT_BUFFER_SIZE, 1, &store->buffer));
    TRY_OUT(open_folder(store));
    *result = store;
    return STATUS_OK;
out:
    store_destroy(store);
    return status;
}

void store_destroy(struct store *store)
{
    if (store == NULL) {
        return;
    }
    if (store->folder >= 0) {
        close(store->folder);
    }
    image_release(&store->image);
    free(store->buffer);
    free(store->path);
    free(store);
}

enum status store_reserve(struct store *store, const struct checkpoint *like)
{
    return image_reserve(&store->image, like);
}

/* Gives the temporary file of `name`, which is whole, the name best.h5 too, and replaces the best before it. */
static enum status link_best(struct store *store, const char *name)
{
    char written[COMMIT_NAME_SIZE], temporary[COMMIT_NAME_SIZE];
    commit_temporary_name(name, written);
    commit_temporary_name(FOLDER_BEST, temporary);
    if (linkat(store->folder, written, store->folder, temporary, 0) != 0) {
        /* Not every file system has hard links; all of them have room for a second file, or say so. */
        TRY(commit_write(store->folder, FOLDER_BEST, &store->image, store->buffer));
    }
    return commit_rename(store->folder, FOLDER_BEST);
}

static void remove_checkpoint(const struct store *store, int64_t step)
{
    char name[COMMIT_NAME_SIZE];
    folder_step_name(step, name);
    if (unlinkat(store->folder, name, 0) != 0 && errno != ENOENT) {
        log_warning("%s/%s is no longer needed and cannot be removed: %s", store->path, name, strerror(errno));
    }
}

/* The save has succeeded already: what goes wrong here is worth a warning and no more. */
static void prune(const struct store *store, int64_t saved)
{
    struct step_list list = {0};
    if (folder_list(store->folder, &list) != STATUS_OK) {
        log_warning("%s: older checkpoints were not removed: %s", store->path, status_message());
        status_clear();
    }
    int kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (list.steps[i] > saved) {
            log_info("removing the checkpoint of step %" PRId64 ": this run went back and is at step %" PRId64,
                     list.steps[i], saved);
            remove_checkpoint(store, list.steps[i]);
        } else if (++kept > store->keep) {
            remove_checkpoint(store, list.steps[i]);
        }
    }
    free(list.steps);
}

enum status store_save(struct store *store, const struct checkpoint *checkpoint, bool best)
{
    enum status status = STATUS_OK;
    char name[COMMIT_NAME_SIZE], temporary[COMMIT_NAME_SIZE];
    folder_step_name(checkpoint->step, name);
    commit_temporary_name(name, temporary);
    TRY_OUT(image_write(&store->image, checkpoint));
    TRY_OUT(commit_write(store->folder, name, &store->image, store->buffer));
    if (best) {
        /* First, so that no crash leaves a checkpoint that believes itself the best and best.h5 without it. */
        status = link_best(store, name);
        if (status != STATUS_OK) {
            (void)unlinkat(store->folder, temporary, 0);
            goto out;
        }
    }
    TRY_OUT(commit_rename(store->folder, name));
    prune(store, checkpoint->step);
out:
    return status == STATUS_OK ? STATUS_OK : fail_context(status, "%s/%s was not saved: ", store->path, name);
}
