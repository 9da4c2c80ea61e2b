/* The names in a folder of checkpoints: step-00000120.h5, best.h5, and what a killed writer left, NAME.tmp. */
#ifndef CHECKPOINTS_FOLDER_H
#define CHECKPOINTS_FOLDER_H

#include <stdint.h>

#include "base/status.h"
#include "checkpoints/commit.h"

#define FOLDER_BEST "best.h5"

/* The steps of a folder's checkpoints, descending. Zero-initialise it; free(steps) when done. */
struct step_list {
    int64_t *steps;
    size_t count;
};

void folder_step_name(int64_t step, char name[COMMIT_NAME_SIZE]);
/* Lists the checkpoints in the folder open at `folder`. */
enum status folder_list(int folder, struct step_list *list) MUST_CHECK;
/* Removes temporary files of checkpoints, and no other file. */
enum status folder_remove_temporary(int folder) MUST_CHECK;
/* Makes a folder with its parents where missing. */
enum status folder_make(const char *path) MUST_CHECK;

#endif
