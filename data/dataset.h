/*
 * A dataset: samples of named fields, read by index. A source (digits, idx, csv ...) is one file that fills the ops of
 * struct dataset_type; data/registry.c lists them. Reading is thread safe and deterministic: a sample is a pure
 * function of (split, index, epoch, seed).
 */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "base/digest.h"
#include "base/option.h"
#include "base/shape.h"
#include "base/status.h"
#include "checkpoints/checkpoint.h"
#include "configs/config.h"
#include "data/augment.h"

enum split { SPLIT_TRAIN, SPLIT_TEST, SPLIT_COUNT };

enum { DATASET_MAX_FIELDS = 4 };

/* One tensor of a sample. Float fields are written channels last with the padding zero (base/shape.h). */
struct field {
    char name[32]; /* "image", "features", "label", "target" */
    enum dtype dtype;
    struct shape shape;
};

struct dataset;

/* What a checkpoint must carry so that the dataset can be opened again with the same normalisation, names ... */
struct dataset_state {
    const struct array *arrays; /* "data/mean" ... */
    size_t array_count;
    const struct text_entry *texts; /* "data/columns" ... */
    size_t text_count;
};

struct dataset_type {
    const char *name; /* [data] source = NAME */
    const char *help;
    const struct option *options; /* keys of [data] beside the common ones */
    size_t options_size;
    /*
     * Opens the source and fills the descriptive part of `dataset`. `options` are the source's values; it may keep a
     * copy in dataset->state. `saved` is NULL, or a checkpoint whose state (normalisation, class names) must be used.
     */
    enum status (*open)(struct dataset *dataset, const void *options, const struct checkpoint *saved);
    void (*close)(struct dataset *dataset);
    /* Writes field f of one sample to fields[f]. */
    enum status (*read)(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                        void *const fields[]);
    /* Fills `state`, whose pointers are valid as long as the dataset. NULL: there is none. */
    void (*state)(const struct dataset *dataset, struct dataset_state *state);
};

struct dataset {
    const struct dataset_type *type;
    uint64_t seed;
    struct field fields[DATASET_MAX_FIELDS]; /* [0] is the model's input, [1] the target */
    int field_count;
    int64_t count[SPLIT_COUNT];     /* samples; without a checkpoint the train split is never empty */
    int64_t classes;                /* of the label; 0 where the target is not a class */
    const char *const *class_names; /* `classes` of them, or NULL */
    /*
     * Of images: what a pixel of the raw value 0 becomes, by channel of fields[0], for augmentation to pad with. NULL
     * where fields[0] is nothing that can be shifted or mirrored.
     */
    const float *border;
    /* For regression: a value v of the target stands for v * target_scale[c] + target_offset[c] in the user's units. */
    const float *target_scale, *target_offset; /* by target channel, or NULL: 1 and 0 */
    uint8_t digest[DIGEST_SIZE];               /* of the content, compared between ranks */
    void *options, *state;                     /* the source's own */
    struct augmentation augmentation;          /* of training samples */
};

/*
 * Opens the source that [data] names. Problems of the configuration are collected in `config`; STATUS_OK with
 * *dataset == NULL then, and config_check() tells them. Files that are missing or wrong fail at once.
 */
enum status dataset_open(struct config *config, uint64_t seed, const struct checkpoint *saved,
                         struct dataset **dataset) MUST_CHECK;
void dataset_close(struct dataset *dataset);

/* Reads one sample as training sees it in this epoch: by dataset->type->read(), then augmented as [data] asks. */
enum status dataset_read_augmented(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                                   void *const fields[]) MUST_CHECK;

/* What a checkpoint must carry of this dataset; all zero where there is nothing. */
struct dataset_state dataset_state(const struct dataset *dataset);

/* All sources, NULL-terminated, for `lemnos help config data`. */
extern const struct dataset_type *const dataset_types[];
/* The keys of [data] that every source has. */
extern const struct option dataset_options[];

#endif
