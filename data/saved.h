/* The state of a dataset in a checkpoint: what a source wrote there, read back and checked. */
#ifndef DATA_SAVED_H
#define DATA_SAVED_H

#include "checkpoints/checkpoint.h"

/* Copies the float array `path`, which must hold `count` finite values. */
enum status saved_floats(const struct checkpoint *saved, const char *path, int64_t count, float *values) MUST_CHECK;
/* The same for a standard deviation: every value must be above zero. */
enum status saved_scales(const struct checkpoint *saved, const char *path, int64_t count, float *values) MUST_CHECK;
/* The one whole number under `path`. */
enum status saved_integer(const struct checkpoint *saved, const char *path, int64_t *value) MUST_CHECK;
/* The text under `path`, which belongs to the checkpoint. */
enum status saved_text(const struct checkpoint *saved, const char *path, const char **text) MUST_CHECK;

/* A vector of `count` floats under `path` as an array of a checkpoint. Both pointers are kept. */
struct array saved_vector(char *path, int64_t count, float *values);

#endif
