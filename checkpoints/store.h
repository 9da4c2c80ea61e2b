/*
 * A folder of checkpoints, step-00000120.h5 and so on: atomic saves, retention, and the newest that verifies.
 *
 * best.h5 is the best so far: a hard link to the file of its step (a copy where the file system has no hard links), so
 * it stays when the newest push that file out, and the next best replaces it by one rename. It is put in place before
 * its step-*.h5 is: after a crash between the two, training resumes before that step and makes the same best again.
 * Files under way end in ".tmp"; a killed writer leaves at most two, and the next store_create() removes them.
 */
#ifndef CHECKPOINTS_STORE_H
#define CHECKPOINTS_STORE_H

#include "base/status.h"
#include "checkpoints/checkpoint.h"

struct store;

struct store_params {
    const char *folder; /* created with its parents where missing */
    int keep;           /* the newest K are kept, and the best; at least 1 */
};

/*
 * Opens the folder for saving; one process of a run does. STATUS_BAD_INPUT where another run saves there (the folder is
 * locked for as long as the store lives), STATUS_FAILED where nothing can be written.
 */
enum status store_create(const struct store_params *params, struct store **store) MUST_CHECK;
void store_destroy(struct store *store);

/*
 * Reserves and touches the memory that saves of `like` need (its file image among it), so that later saves of the same
 * arrays allocate nothing that stays. Call once before the first step; array data is not read.
 */
enum status store_reserve(struct store *store, const struct checkpoint *like) MUST_CHECK;

/*
 * Commits one checkpoint: image in memory, temporary file (O_EXCL) in the same folder, fsync, read back and verify, one
 * rename, fsync of the folder, then prune. On failure the older checkpoints are untouched, the temporary file is gone
 * and the message says why. `best` marks this one as the best so far, which pruning spares.
 *
 * Pruning removes what is older than the newest `keep`, and checkpoints of later steps: the run went back behind them.
 */
enum status store_save(struct store *store, const struct checkpoint *checkpoint, bool best) MUST_CHECK;

/* What store_load_newest() passed over: called once for each file that did not verify, with the reason. */
typedef void store_skipped(const char *path, const char *reason, void *context);

/*
 * Loads the newest checkpoint of `folder` that verifies, and best.h5 where no other does. `path` (if not NULL) gets a
 * copy of its path, which the caller frees. Temporary files of a killed writer are ignored. STATUS_NOT_FOUND where
 * there is no checkpoint; STATUS_CORRUPT where there are some and none can be used, so that a run does not begin anew
 * over them.
 */
enum status store_load_newest(const char *folder, store_skipped *skipped, void *context, struct checkpoint **checkpoint,
                              char **path) MUST_CHECK;

/* The path of the best checkpoint, which the caller frees; STATUS_NOT_FOUND where none was marked as such. */
enum status store_find_best(const char *folder, char **path) MUST_CHECK;

#endif
