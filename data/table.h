/*
 * A table of text cells with a header line, read as RFC 4180 says: quoted cells may hold delimiters, line ends and ""
 * for a quote. Beside that: LF, CRLF or CR end a line, a byte order mark is passed over, blank lines are, too, and
 * blanks around a cell that is not quoted do not count. Plain or gzip.
 */
#ifndef DATA_TABLE_H
#define DATA_TABLE_H

#include <stdint.h>

#include "base/digest.h"
#include "base/status.h"

struct table {
    char *path;
    size_t column_count;
    size_t row_count;            /* without the header */
    const char **names;          /* column_count; distinct, but several may be "" */
    const char **cells;          /* row by row; use table_cell() */
    int64_t *lines;              /* of each row, from 1 */
    uint8_t digest[DIGEST_SIZE]; /* of the (unpacked) file */
    char *bytes;                 /* where the cells lie */
    size_t row_capacity;
};

/* Zeroes and fills `table`; on failure (STATUS_BAD_INPUT with file and line) it holds nothing. */
enum status table_read(struct table *table, const char *path, char delimiter) MUST_CHECK;
void table_release(struct table *table);

static inline const char *table_cell(const struct table *table, size_t row, size_t column)
{
    return table->cells[row * table->column_count + column];
}

/* The column of that name, or -1. */
int64_t table_find(const struct table *table, const char *name);

#endif
