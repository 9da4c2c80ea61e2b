#include "data/dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/source.h"

struct common_options {
    int source;
    int64_t train_limit, test_limit;
    struct augmentation augmentation;
};

const struct option dataset_options[] = {
    {.name = "source",
     .type = OPTION_CHOICE,
     .offset = offsetof(struct common_options, source),
     .choices = dataset_names,
     .help = "where the samples come from; each source has keys of its own"},
    {.name = "train_limit",
     .type = OPTION_INT,
     .offset = offsetof(struct common_options, train_limit),
     .fallback = "0",
     .min = 0,
     .max = INFINITY,
     .help = "train on the first so many samples only, for a quick try; 0 = all"},
    {.name = "test_limit",
     .type = OPTION_INT,
     .offset = offsetof(struct common_options, test_limit),
     .fallback = "0",
     .min = 0,
     .max = INFINITY,
     .help = "test on the first so many samples only; 0 = all"},
    {.name = "crop_padding",
     .type = OPTION_INT,
     .offset = offsetof(struct common_options, augmentation.crop_padding),
     .fallback = "0",
     .min = 0,
     .max = 4096,
     .help = "train on images shifted at random by up to so many pixels each way; what moves in is black"},
    {.name = "flip",
     .type = OPTION_BOOL,
     .offset = offsetof(struct common_options, augmentation.flip),
     .fallback = "no",
     .help = "train on images mirrored left to right in half of the cases"},
    OPTIONS_END,
};

static enum status apply_limits(struct dataset *dataset, const struct common_options *common)
{
    const int64_t limits[SPLIT_COUNT] = {[SPLIT_TRAIN] = common->train_limit, [SPLIT_TEST] = common->test_limit};
    for (int split = 0; split < SPLIT_COUNT; split++) {
        if (limits[split] > 0 && limits[split] < dataset->count[split]) {
            dataset->count[split] = limits[split];
        }
    }
    /* Ranks with other limits read other data. */
    uint8_t content[DIGEST_SIZE + sizeof dataset->count];
    memcpy(content, dataset->digest, DIGEST_SIZE);
    memcpy(content + DIGEST_SIZE, dataset->count, sizeof dataset->count);
    return digest_of(content, sizeof content, dataset->digest);
}

/* Whether the message names `word`, a key or a file: at its beginning, or (anywhere) as a word of its own. */
static bool names(const char *message, const char *word, bool anywhere)
{
    size_t length = strlen(word);
    for (const char *at = message; length > 0 && (at = strstr(at, word)) != NULL; at++) {
        bool begins = at == message || (anywhere && strchr(" \"", at[-1]) != NULL);
        if (begins && (at[length] == '\0' || strchr(" :/\",", at[length]) != NULL)) {
            return true;
        }
        if (!anywhere) {
            return false;
        }
    }
    return false;
}

/* The key of [data] that a source's message is about: it begins with it, or names its value. NULL: none is plain. */
static const char *find_key(const struct config *config, const struct option *options, const char **where)
{
    const char *found = NULL;
    size_t longest = 0;
    for (const struct option *option = options; option->name != NULL; option++) {
        const char *place;
        const char *value = config_get(config, "data", option->name, &place);
        if (value == NULL) {
            continue;
        }
        if (names(status_message(), option->name, false)) {
            *where = place;
            return option->name;
        }
        if (option->type == OPTION_STRING && strlen(value) > longest && names(status_message(), value, true)) {
            longest = strlen(value);
            found = option->name;
            *where = place;
        }
    }
    return found;
}

/* Puts the place in the config ahead of what a source says of its files. */
static enum status blame_key(const struct config *config, const struct dataset_type *type, enum status status)
{
    const char *where = NULL;
    const char *key = find_key(config, type->options, &where);
    if (key != NULL) {
        bool said = names(status_message(), key, false);
        return said ? fail_context(status, "%s: [data] ", where) : fail_context(status, "%s: [data] %s: ", where, key);
    }
    char *place = NULL;
    if (config_place(config, "data", &place) == STATUS_OK) {
        status = fail_context(status, "%s: [data] source = %s: ", place, type->name);
    }
    free(place);
    return status;
}

static enum status open_source(struct dataset *dataset, const struct config *config,
                               const struct common_options *common, const struct checkpoint *saved)
{
    const struct dataset_type *type = dataset->type;
    enum status status = type->open(dataset, dataset->options, saved);
    if (status == STATUS_OK && dataset->count[SPLIT_TRAIN] < 1 && (saved == NULL || dataset->count[SPLIT_TEST] < 1)) {
        status = fail(STATUS_BAD_INPUT, "there is no sample to train on");
    }
    if (status != STATUS_OK) {
        return blame_key(config, type, status);
    }
    dataset->augmentation = common->augmentation;
    return apply_limits(dataset, common);
}

static void refuse_augmentation(const struct dataset *dataset, struct config *config, const char *key)
{
    config_problem(config, "data", key, "source = %s gives no images: leave this key out", dataset->type->name);
}

/* Only images can be augmented, and of each something must remain. */
static void check_augmentation(const struct dataset *dataset, struct config *config)
{
    struct shape shape = dataset->fields[0].shape;
    int64_t padding = dataset->augmentation.crop_padding;
    if (dataset->border == NULL) {
        if (padding > 0) {
            refuse_augmentation(dataset, config, "crop_padding");
        }
        if (dataset->augmentation.flip) {
            refuse_augmentation(dataset, config, "flip");
        }
    } else if (padding >= shape_height(shape) || padding >= shape_width(shape)) {
        char text[SHAPE_TEXT_SIZE];
        config_problem(config, "data", "crop_padding",
                       "a shift by %" PRId64 " pixels leaves nothing of an image of %s: set it lower", padding,
                       shape_format(shape, text));
    }
}

enum status dataset_open(struct config *config, uint64_t seed, const struct checkpoint *saved, struct dataset **dataset)
{
    *dataset = NULL;
    size_t problems = config_problem_count(config);
    struct common_options common;
    TRY(config_read(config, "data", dataset_options, &common));
    if (config_problem_count(config) > problems) {
        return STATUS_OK;
    }
    const struct dataset_type *type = dataset_types[common.source];
    struct dataset *opened;
    TRY(memory_allocate(1, sizeof *opened, &opened));
    opened->type = type;
    opened->seed = seed;
    enum status status;
    TRY_OUT(memory_allocate(1, type->options_size, &opened->options));
    TRY_OUT(config_read(config, "data", type->options, opened->options));
    if (config_problem_count(config) > problems) {
        goto out;
    }
    TRY_OUT(open_source(opened, config, &common, saved));
    check_augmentation(opened, config);
    if (config_problem_count(config) > problems) {
        goto out;
    }
    *dataset = opened;
    return STATUS_OK;
out:
    dataset_close(opened);
    return status;
}

void dataset_close(struct dataset *dataset)
{
    if (dataset == NULL) {
        return;
    }
    dataset->type->close(dataset);
    if (dataset->options != NULL) {
        option_release(dataset->type->options, dataset->options);
    }
    free(dataset->options);
    free(dataset);
}

enum status dataset_read_augmented(const struct dataset *dataset, enum split split, int64_t index, int64_t epoch,
                                   void *const fields[])
{
    TRY(dataset->type->read(dataset, split, index, epoch, fields));
    if (dataset->border != NULL) {
        struct random random;
        random_init(&random, dataset->seed, RANDOM_AUGMENT, ((uint64_t)epoch << 32) + (uint64_t)index);
        augment_image(&dataset->augmentation, &random, dataset->fields[0].shape, dataset->border, fields[0]);
    }
    return STATUS_OK;
}

struct dataset_state dataset_state(const struct dataset *dataset)
{
    struct dataset_state state = {0};
    if (dataset->type->state != NULL) {
        dataset->type->state(dataset, &state);
    }
    return state;
}
