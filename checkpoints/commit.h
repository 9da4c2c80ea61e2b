/*
 * Bytes to disk so that a name stands for a whole file or for none: a temporary file that is written, synced, read back
 * and compared with its seal, and then renamed.
 */
#ifndef CHECKPOINTS_COMMIT_H
#define CHECKPOINTS_COMMIT_H

#include "base/status.h"
#include "checkpoints/image.h"

enum { COMMIT_BUFFER_SIZE = 1024 * 1024, COMMIT_NAME_SIZE = 64 };

#define COMMIT_TEMPORARY ".tmp" /* what a file under way has behind its name */

/*
 * Writes the sealed image to NAME.tmp in the folder open at `folder`; `buffer` of COMMIT_BUFFER_SIZE bytes is for
 * reading back. After a failure the file is gone, and the message says why.
 */
enum status commit_write(int folder, const char *name, const struct image *image, uint8_t *buffer) MUST_CHECK;

/* Renames NAME.tmp to NAME and syncs the folder. Where the rename fails, NAME.tmp is gone. */
enum status commit_rename(int folder, const char *name) MUST_CHECK;

/* Makes what was done in the folder last through a crash of the machine. */
enum status commit_sync_folder(int folder) MUST_CHECK;

/* The name of the temporary file of `name`. */
void commit_temporary_name(const char *name, char temporary[COMMIT_NAME_SIZE]);

#endif
