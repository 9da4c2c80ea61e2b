/* The source `csv`: its options, and which columns of a table they choose. */
#ifndef DATA_CSV_COLUMNS_H
#define DATA_CSV_COLUMNS_H

#include "base/option.h"
#include "checkpoints/checkpoint.h"
#include "data/columns.h"
#include "data/table.h"

enum csv_missing { MISSING_ERROR, MISSING_DROP, MISSING_MEAN };
enum csv_task { TASK_REGRESSION, TASK_CLASSIFICATION };

struct csv_options {
    char *path, *test_path;
    char *target, *features;
    int delimiter; /* index of its name in the options' choices */
    double test_fraction;
    int missing; /* enum csv_missing */
    int task;    /* enum csv_task */
    bool normalize;
    int64_t seed;
};

/* The column's place in the table; the message of STATUS_BAD_INPUT calls it `role` and names the nearest one. */
enum status csv_find_column(const struct table *table, const char *name, const char *role, size_t *column) MUST_CHECK;

/*
 * Chooses features and target into zeroed memory, which columns_release() frees in any case. With `saved` they are the
 * checkpoint's, categories included; else the categories are still to be learnt.
 */
enum status csv_columns_choose(struct columns *columns, const struct csv_options *given, const struct table *table,
                               const struct checkpoint *saved) MUST_CHECK;

#endif
