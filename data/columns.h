/*
 * What the columns of a table become for a network: a number column one channel, a text column one channel a category
 * (1 where the cell is that category, else 0). Kept in a checkpoint as JSON, so that later tables are read alike.
 */
#ifndef DATA_COLUMNS_H
#define DATA_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "data/table.h"

struct column {
    char *name;
    bool text;               /* its cells are categories */
    char **categories;       /* category_count, in the order of columns_learn() */
    size_t category_count;   /* 0 for a number column */
    int64_t first, channels; /* of the features */
};

struct columns {
    struct column *features;
    size_t feature_count;
    int64_t channels; /* of all features */
    struct column target;
};

/* "", "?", "NA" and "NaN" stand for a value that is not known. */
bool cell_missing(const char *cell);
/* A finite decimal number, and nothing else in the cell. */
bool cell_number(const char *cell, double *value);

enum column_kind {
    COLUMN_EMPTY,  /* no value is known */
    COLUMN_NUMBER, /* at least half of the known values are numbers */
    COLUMN_TEXT,
};
enum column_kind column_kind(const struct table *table, size_t column);

/* Copies the name; the rest is for columns_learn(). */
enum status column_init(struct column *column, const char *name, bool text) MUST_CHECK;
/* Learns the categories of a text column: the distinct ones of `cells`, numbers by value ahead of text by bytes. */
enum status column_learn(struct column *column, const char **cells, size_t count) MUST_CHECK;
/* The category of a cell, or -1. */
int64_t column_category(const struct column *column, const char *cell);

/* Gives every feature its channels, once all categories are known. */
void columns_lay_out(struct columns *columns);
/* {"features": [{"name": "weight"}, {"name": "origin", "categories": ["europe", "usa"]}], "target": {"name": "mpg"}} */
enum status columns_format(const struct columns *columns, char **json) MUST_CHECK;
/* The reverse, into zeroed memory, laid out; STATUS_BAD_INPUT where it is not that. columns_release() after all. */
enum status columns_parse(struct columns *columns, const char *json) MUST_CHECK;
void columns_release(struct columns *columns);

#endif
