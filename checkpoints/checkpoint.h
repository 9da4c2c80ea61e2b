/*
 * A checkpoint: attributes, texts and named arrays in one HDF5 file that is either whole or not there.
 *
 *   /            attributes: format "lemnos", version, step, epoch, seed, world_size
 *   /config      a text: the resolved INI                     /model/NAME            float32
 *   /progress/.. /metrics/.. /vocabulary ..                   /optimizer/SLOT/NAME   float32
 *
 * A 512-byte user block ahead of the HDF5 data holds the SHA-256 of everything behind it; it is verified before HDF5
 * sees the file. This module knows names, shapes and memory; it knows neither ranks nor devices.
 */
#ifndef CHECKPOINTS_CHECKPOINT_H
#define CHECKPOINTS_CHECKPOINT_H

#include <stdint.h>

#include "base/digest.h"
#include "base/status.h"

enum { CHECKPOINT_VERSION = 1, ARRAY_MAX_RANK = 5 };

enum array_type { ARRAY_FLOAT32, ARRAY_FLOAT64, ARRAY_INT64 };

struct array {
    char *path; /* "model/fc1.weight": groups are made as needed */
    enum array_type type;
    int rank; /* 0: a single number */
    int64_t dim[ARRAY_MAX_RANK];
    void *data; /* dense, row-major */
};

struct text_entry {
    char *path; /* "config" */
    char *text; /* UTF-8 */
};

struct checkpoint {
    int64_t step;  /* steps done */
    int64_t epoch; /* of the last step, from 1 */
    uint64_t seed;
    int world_size;
    struct array *arrays;
    size_t array_count;
    struct text_entry *texts;
    size_t text_count;
};

int64_t array_count(const struct array *array);
size_t array_size(const struct array *array);
const struct array *checkpoint_array(const struct checkpoint *checkpoint, const char *path);
const char *checkpoint_text(const struct checkpoint *checkpoint, const char *path);

/*
 * Reads a whole file into memory of its own. STATUS_NOT_FOUND where there is no file; STATUS_CORRUPT where the digest,
 * the length or the format is wrong: nothing of such a file is ever used. The message names the file and the reason.
 */
enum status checkpoint_load(const char *path, struct checkpoint **checkpoint) MUST_CHECK;
/* Frees what checkpoint_load() made. */
void checkpoint_destroy(struct checkpoint *checkpoint);

/* One sha256 over all arrays below model/ in the order of their names: name, type, shape and bytes of each. */
enum status checkpoint_model_digest(const struct checkpoint *checkpoint, char text[DIGEST_TEXT_SIZE]) MUST_CHECK;

#endif
