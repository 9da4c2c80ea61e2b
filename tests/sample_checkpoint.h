/* Checkpoints to save in tests: their content is a function of the step, so a loaded one can be checked by itself. */
#ifndef TESTS_SAMPLE_CHECKPOINT_H
#define TESTS_SAMPLE_CHECKPOINT_H

#include "checkpoints/checkpoint.h"

/*
 * Every kind of content: all types, ranks 0 to 5, empty arrays, an empty and a long text, names beyond ASCII, and one
 * float32 array of `extra` numbers. Free with checkpoint_destroy().
 */
enum status sample_checkpoint(int64_t step, int64_t extra, struct checkpoint **checkpoint) MUST_CHECK;

/* True where both hold the same numbers, arrays and texts, in whatever order. */
bool same_checkpoint(const struct checkpoint *a, const struct checkpoint *b);

/* A file of exactly these bytes. */
enum status write_test_file(const char *path, const void *data, size_t size) MUST_CHECK;

/* A new folder below the system's folder for temporary files, and its removal with all that is in it. */
enum status make_test_folder(char **folder) MUST_CHECK;
void remove_test_folder(char *folder);

#endif
