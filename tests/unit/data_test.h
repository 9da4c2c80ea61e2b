/* What the tests of datasets share: a folder of their own, files in it, and datasets from a few lines of INI. */
#ifndef TESTS_UNIT_DATA_TEST_H
#define TESTS_UNIT_DATA_TEST_H

#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "data/dataset.h"

/* A setup for a test: an empty folder, entered, so that file names are short. */
static inline int enter_folder(void **state)
{
    static char path[64];
    strcpy(path, "/tmp/lemnos-data-XXXXXX");
    *state = path;
    log_set_level(LOG_ERROR); /* what is left out of a table is no news here */
    return mkdtemp(path) == NULL || chdir(path) != 0;
}

static inline int leave_folder(void **state)
{
    DIR *folder = opendir(".");
    if (folder == NULL) {
        return 1;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] != '.') {
            remove(entry->d_name);
        }
    }
    closedir(folder);
    return chdir("/") != 0 || rmdir(*state) != 0;
}

static inline void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

/* dataset_open() with `keys` as the section [data]. */
static inline enum status try_data(const char *keys, const struct checkpoint *saved, struct dataset **dataset)
{
    char text[2048];
    snprintf(text, sizeof text, "[data]\n%s", keys);
    struct config *config;
    assert_ok(config_parse("test.ini", text, NULL, 0, &config));
    enum status status = dataset_open(config, 1, saved, dataset);
    if (status == STATUS_OK) {
        status = config_check(config);
        if (status != STATUS_OK) {
            dataset_close(*dataset);
            *dataset = NULL;
        }
    }
    config_destroy(config);
    return status;
}

static inline struct dataset *open_saved(const char *keys, const struct checkpoint *saved)
{
    struct dataset *dataset = NULL;
    assert_ok(try_data(keys, saved, &dataset));
    assert_non_null(dataset);
    return dataset;
}

static inline struct dataset *open_data(const char *keys)
{
    return open_saved(keys, NULL);
}

/* The user must be told `part`, and that it is up to him. */
static inline void refuse_saved(const char *keys, const struct checkpoint *saved, const char *part)
{
    struct dataset *dataset = NULL;
    enum status status = try_data(keys, saved, &dataset);
    if (status != STATUS_BAD_INPUT || strstr(status_message(), part) == NULL) {
        fail_msg("wanted \"%s\", got status %d: %s", part, (int)status, status_message());
    }
    assert_null(dataset);
}

static inline void refuse_data(const char *keys, const char *part)
{
    refuse_saved(keys, NULL, part);
}

/* A checkpoint that borrows the state of an open dataset. */
static inline struct checkpoint saved_from(const struct dataset *dataset)
{
    struct dataset_state state = dataset_state(dataset);
    return (struct checkpoint){.arrays = (struct array *)(uintptr_t)state.arrays,
                               .array_count = state.array_count,
                               .texts = (struct text_entry *)(uintptr_t)state.texts,
                               .text_count = state.text_count};
}

static inline bool same_digest(const struct dataset *a, const struct dataset *b)
{
    return memcmp(a->digest, b->digest, DIGEST_SIZE) == 0;
}

/* Reads one sample into memory that is full of rubbish before. */
static inline void read_sample(const struct dataset *dataset, enum split split, int64_t index, void *first,
                               void *second)
{
    void *fields[] = {first, second};
    for (int f = 0; f < 2; f++) {
        size_t elements = (size_t)shape_elements(dataset->fields[f].shape, dataset->fields[f].dtype);
        memset(fields[f], 0xA5, elements * sizeof(float));
    }
    assert_ok(dataset->type->read(dataset, split, index, 0, fields));
}

#endif
