#include "data/table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/bytes.h"

/* Where the reader stands. Cells are written back into the bytes they come from, never ahead of `next`. */
struct reader {
    const char *path;
    char *next, *end;
    char delimiter;
    int64_t line; /* of `next`, from 1 */
};

/* How a cell ended. */
enum border { AT_DELIMITER, AT_LINE_END, AT_FILE_END };

static bool is_blank(const struct reader *reader, const char *at)
{
    return at < reader->end && (*at == ' ' || *at == '\t') && *at != reader->delimiter;
}

static void skip_blanks(struct reader *reader)
{
    while (is_blank(reader, reader->next)) {
        reader->next++;
    }
}

/* Goes past the line end at `next`: LF, CRLF or CR. */
static void skip_line_end(struct reader *reader)
{
    if (*reader->next == '\r' && reader->next + 1 < reader->end && reader->next[1] == '\n') {
        reader->next++;
    }
    reader->next++;
    reader->line++;
}

/* Goes past what ends a cell, if that is what stands at `next`. */
static bool skip_border(struct reader *reader, enum border *border)
{
    if (reader->next >= reader->end) {
        *border = AT_FILE_END;
    } else if (*reader->next == reader->delimiter) {
        *border = AT_DELIMITER;
        reader->next++;
    } else if (*reader->next == '\n' || *reader->next == '\r') {
        *border = AT_LINE_END;
        skip_line_end(reader);
    } else {
        return false;
    }
    return true;
}

static enum status read_quoted(struct reader *reader, char **cell, enum border *border)
{
    int64_t begin = reader->line;
    char *write = ++reader->next;
    *cell = write;
    for (;;) {
        if (reader->next >= reader->end) {
            return fail(STATUS_BAD_INPUT, "%s:%" PRId64 ": the quote that opens here is never closed", reader->path,
                        begin);
        }
        char c = *reader->next++;
        if (c == '"') {
            if (reader->next >= reader->end || *reader->next != '"') {
                break;
            }
            reader->next++;
        } else if (c == '\n') {
            reader->line++;
        }
        *write++ = c;
    }
    skip_blanks(reader);
    int64_t line = reader->line;
    if (!skip_border(reader, border)) {
        return fail(STATUS_BAD_INPUT,
                    "%s:%" PRId64 ": text follows a closing quote; a quote inside a quoted cell is written twice",
                    reader->path, line);
    }
    *write = '\0';
    return STATUS_OK;
}

static void read_plain(struct reader *reader, char **cell, enum border *border)
{
    *cell = reader->next;
    char *end = reader->next;
    while (!skip_border(reader, border)) {
        reader->next++;
        end = is_blank(reader, reader->next - 1) ? end : reader->next;
    }
    /* What stood here was the border or a blank; at the file's end it is the '\0' that is there already. */
    *end = '\0';
}

static enum status read_cell(struct reader *reader, char **cell, bool *quoted, enum border *border)
{
    skip_blanks(reader);
    *quoted = reader->next < reader->end && *reader->next == '"';
    if (*quoted) {
        return read_quoted(reader, cell, border);
    }
    read_plain(reader, cell, border);
    return STATUS_OK;
}

struct cells {
    const char **items;
    size_t count, capacity;
};

/* Reads the cells of one line behind those that are there; blank lines before it are passed over. `*line` is 0 where
 * the file ended before. */
static enum status read_line(struct reader *reader, struct cells *cells, int64_t *line)
{
    size_t before = cells->count;
    bool blank = true;
    while (blank && reader->next < reader->end) {
        cells->count = before;
        *line = reader->line;
        enum border border = AT_DELIMITER;
        while (border == AT_DELIMITER) {
            if (cells->count == cells->capacity) {
                cells->capacity = cells->capacity > 0 ? 2 * cells->capacity : 64;
                TRY(memory_resize(cells->capacity, sizeof *cells->items, &cells->items));
            }
            char *cell;
            bool quoted;
            TRY(read_cell(reader, &cell, &quoted, &border));
            cells->items[cells->count++] = cell;
            blank = cells->count == before + 1 && !quoted && cell[0] == '\0';
        }
    }
    if (blank) {
        cells->count = before;
        *line = 0;
    }
    return STATUS_OK;
}

static enum status read_header(struct table *table, struct reader *reader)
{
    struct cells header = {0};
    int64_t line = 0;
    enum status status = read_line(reader, &header, &line);
    table->names = header.items;
    table->column_count = header.count;
    TRY(status);
    if (header.count == 0) {
        return fail(STATUS_BAD_INPUT, "%s is empty: there should be a line with the columns' names", table->path);
    }
    for (size_t i = 0; i < header.count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (header.items[i][0] != '\0' && strcmp(header.items[i], header.items[j]) == 0) {
                return fail(STATUS_BAD_INPUT, "%s:%" PRId64 ": two columns are named \"%s\"", table->path, line,
                            header.items[i]);
            }
        }
    }
    return STATUS_OK;
}

static enum status read_rows(struct table *table, struct reader *reader)
{
    struct cells cells = {0};
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        size_t before = cells.count;
        int64_t line = 0;
        status = read_line(reader, &cells, &line);
        if (status != STATUS_OK || line == 0) {
            break;
        }
        size_t count = cells.count - before;
        if (count != table->column_count) {
            status = fail(STATUS_BAD_INPUT, "%s:%" PRId64 ": this row has %zu cells, but the header has %zu columns",
                          table->path, line, count, table->column_count);
            break;
        }
        if (table->row_count == table->row_capacity) {
            table->row_capacity = table->row_capacity > 0 ? 2 * table->row_capacity : 64;
            status = memory_resize(table->row_capacity, sizeof *table->lines, &table->lines);
            if (status != STATUS_OK) {
                break;
            }
        }
        table->lines[table->row_count++] = line;
    }
    table->cells = cells.items;
    return status;
}

static enum status read_table(struct table *table, const char *path, char delimiter)
{
    uint8_t *bytes;
    size_t size;
    TRY(memory_copy_string(path, &table->path));
    TRY(bytes_read(path, SIZE_MAX / 4, &bytes, &size));
    table->bytes = (char *)bytes;
    TRY(digest_of(bytes, size, table->digest));
    if (memchr(bytes, '\0', size) != NULL) {
        return fail(STATUS_BAD_INPUT, "%s holds a zero byte: it is no text file in UTF-8", path);
    }
    struct reader reader = {
        .path = path, .next = table->bytes, .end = table->bytes + size, .delimiter = delimiter, .line = 1};
    if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) {
        reader.next += 3;
    }
    TRY(read_header(table, &reader));
    return read_rows(table, &reader);
}

enum status table_read(struct table *table, const char *path, char delimiter)
{
    *table = (struct table){0};
    enum status status = read_table(table, path, delimiter);
    if (status != STATUS_OK) {
        table_release(table);
    }
    return status;
}

void table_release(struct table *table)
{
    free(table->path);
    free(table->names);
    free(table->cells);
    free(table->lines);
    free(table->bytes);
    *table = (struct table){0};
}

int64_t table_find(const struct table *table, const char *name)
{
    for (size_t column = 0; column < table->column_count; column++) {
        if (strcmp(table->names[column], name) == 0) {
            return (int64_t)column;
        }
    }
    return -1;
}
