/* From tables to numbers: which columns and rows are read, how they are split, what their cells become. */
#ifndef DATA_CSV_READING_H
#define DATA_CSV_READING_H

#include "data/csv_columns.h"
#include "data/dataset.h"

/* A split in the user's units. */
struct csv_part {
    int64_t count;
    double *features; /* count x columns.channels; not-a-number where a value is missing */
    double *targets;  /* count: values, or numbers of classes */
};

struct csv_numbers {
    struct columns columns;
    struct csv_part parts[SPLIT_COUNT];
    bool test_is_train;                        /* then the test part is empty */
    uint8_t digests[SPLIT_COUNT][DIGEST_SIZE]; /* of the files */
};

/*
 * Reads the files of `given` into zeroed memory. With `saved` the columns are those of the checkpoint. `numbers` is to
 * be released in any case.
 */
enum status csv_numbers_read(struct csv_numbers *numbers, const struct csv_options *given, char delimiter,
                             const struct checkpoint *saved) MUST_CHECK;
void csv_numbers_release(struct csv_numbers *numbers);

#endif
