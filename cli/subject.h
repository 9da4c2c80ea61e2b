/* What a command is about: a config, a checkpoint file, or a folder of a run (its newest checkpoint that verifies). */
#ifndef CLI_SUBJECT_H
#define CLI_SUBJECT_H

#include "checkpoints/checkpoint.h"
#include "cli/command.h"
#include "configs/config.h"

struct subject {
    char *path;                    /* the file that was read in the end */
    struct checkpoint *checkpoint; /* NULL for a config */
    struct config *config;         /* of the file, or the one inside the checkpoint, with the overrides applied */
};

/* Opens words[0]. STATUS_BAD_INPUT where it is nothing of the kind. */
enum status subject_open(const struct arguments *arguments, struct subject *subject) MUST_CHECK;
/* The same for `path`, without a config: is it a folder or a checkpoint, then it is loaded. */
enum status subject_open_checkpoint(const char *path, struct subject *subject) MUST_CHECK;
void subject_release(struct subject *subject);

/*
 * Reads words[0] as a config. A bare name that is no file here is looked for among the configs that came with the
 * program. Says which file was taken where it is not the one named. *config is NULL on failure.
 */
enum status subject_load_config(const struct arguments *arguments, struct config **config) MUST_CHECK;
/* The config inside a checkpoint, with overrides. */
enum status subject_saved_config(const struct checkpoint *checkpoint, const char *path,
                                 const struct arguments *arguments, struct config **config) MUST_CHECK;

#endif
