#include "data/csv_reading.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/csv_columns.h"
#include "data/order.h"

/* A table, the places of the chosen columns in it, and the rows of it that a part takes. */
struct source {
    const struct table *table;
    size_t *features; /* places of the feature columns */
    size_t target;
    size_t *rows;
    size_t count;
};

struct reading {
    const struct csv_options *given;
    const struct checkpoint *saved;
    struct csv_numbers *numbers;
    struct table tables[SPLIT_COUNT]; /* the test one only with test_path */
    struct source sources[SPLIT_COUNT];
};

static enum status place_columns(const struct columns *columns, struct source *source)
{
    TRY(memory_allocate(columns->feature_count, sizeof *source->features, &source->features));
    for (size_t i = 0; i < columns->feature_count; i++) {
        TRY(csv_find_column(source->table, columns->features[i].name, "a feature", &source->features[i]));
    }
    return csv_find_column(source->table, columns->target.name, "the target", &source->target);
}

/* A whole number is the same class however it is written: "1", "01", "1.0". */
static const char *class_text(const char *cell, char text[32])
{
    double value;
    if (!cell_number(cell, &value) || floor(value) != value || fabs(value) > 1e15) {
        return cell;
    }
    snprintf(text, 32, "%" PRId64, (int64_t)value);
    return text;
}

/* Checks one cell that is read. `*missing` tells whether its value is not known. */
static enum status check_cell(const struct source *source, size_t row, size_t place, const struct column *column,
                              bool is_class, bool *missing)
{
    const struct table *table = source->table;
    const char *cell = table_cell(table, row, place);
    double value = 0.0;
    *missing = cell_missing(cell);
    if (*missing) {
        return STATUS_OK;
    }
    bool number = cell_number(cell, &value);
    if (!column->text && !number) {
        return fail(STATUS_BAD_INPUT, "%s:%" PRId64 ": column \"%s\" holds \"%s\", which is no number", table->path,
                    table->lines[row], column->name, cell);
    }
    if (is_class && number && floor(value) != value) {
        return fail(STATUS_BAD_INPUT,
                    "%s:%" PRId64
                    ": column \"%s\" holds %s, which is no class (whole numbers or text are): set task = regression",
                    table->path, table->lines[row], column->name, cell);
    }
    return STATUS_OK;
}

/* Whether a row is read, as `missing` says. */
static enum status check_row(const struct reading *reading, const struct source *source, size_t row, bool *keep)
{
    const struct columns *columns = &reading->numbers->columns;
    *keep = true;
    for (size_t i = 0; i <= columns->feature_count; i++) {
        bool is_target = i == columns->feature_count;
        const struct column *column = is_target ? &columns->target : &columns->features[i];
        size_t place = is_target ? source->target : source->features[i];
        bool missing;
        TRY(check_cell(source, row, place, column, is_target && column->text, &missing));
        if (!missing) {
            continue;
        }
        if (reading->given->missing == MISSING_ERROR) {
            return fail(STATUS_BAD_INPUT,
                        "%s:%" PRId64
                        ": column \"%s\" has no value here: set missing = drop to leave such rows out, or "
                        "missing = mean to put the training mean",
                        source->table->path, source->table->lines[row], column->name);
        }
        /* A target cannot be made up. */
        if (reading->given->missing == MISSING_DROP || is_target) {
            *keep = false;
        }
    }
    return STATUS_OK;
}

static enum status choose_rows(struct reading *reading, struct source *source)
{
    const struct table *table = source->table;
    TRY(memory_allocate(table->row_count, sizeof *source->rows, &source->rows));
    for (size_t row = 0; row < table->row_count; row++) {
        bool keep;
        TRY(check_row(reading, source, row, &keep));
        if (keep) {
            source->rows[source->count++] = row;
        }
    }
    if (source->count < table->row_count) {
        log_info("%s: %zu of %zu rows are left out for values that are missing", table->path,
                 table->row_count - source->count, table->row_count);
    }
    if (source->count == 0) {
        return fail(STATUS_BAD_INPUT, "%s holds no row that can be read", table->path);
    }
    return STATUS_OK;
}

/* Moves a random share of the training rows to the test part; both keep the order of the file. */
static enum status split_rows(struct reading *reading)
{
    struct source *train = &reading->sources[SPLIT_TRAIN];
    struct source *test = &reading->sources[SPLIT_TEST];
    size_t total = train->count;
    size_t moved = (size_t)llround(reading->given->test_fraction * (double)total);
    if (moved == 0) {
        moved = 1;
    }
    if (total - moved < 1 || total > UINT32_MAX) {
        return fail(STATUS_BAD_INPUT,
                    "%s: %zu rows cannot be split by test_fraction = %g; set test_fraction = 0 to test on the training "
                    "part",
                    train->table->path, total, reading->given->test_fraction);
    }
    uint32_t *order = NULL;
    bool *is_test = NULL;
    enum status status;
    TRY_OUT(memory_allocate(total, sizeof *order, &order));
    TRY_OUT(memory_allocate(total, sizeof *is_test, &is_test));
    TRY_OUT(memory_allocate(moved, sizeof *test->rows, &test->rows));
    order_shuffle((uint64_t)reading->given->seed, RANDOM_SPLIT, 0, order, (uint32_t)total);
    for (size_t i = 0; i < moved; i++) {
        is_test[order[i]] = true;
    }
    train->count = 0;
    for (size_t i = 0; i < total; i++) {
        struct source *source = is_test[i] ? test : train;
        source->rows[source->count++] = train->rows[i];
    }
out:
    free(order);
    free(is_test);
    return status;
}

/* Learns the categories of one column from the known cells of the training rows. */
static enum status learn_categories(struct column *column, const struct source *source, size_t place)
{
    const char **cells;
    TRY(memory_allocate(source->count, sizeof *cells, &cells));
    size_t known = 0;
    for (size_t i = 0; i < source->count; i++) {
        const char *cell = table_cell(source->table, source->rows[i], place);
        if (!cell_missing(cell)) {
            cells[known++] = cell;
        }
    }
    enum status status = column_learn(column, cells, known);
    free(cells);
    TRY(status);
    if (column->category_count == 0) {
        return fail(STATUS_BAD_INPUT, "%s: column \"%s\" holds no value in the training part; leave it out of features",
                    source->table->path, column->name);
    }
    return STATUS_OK;
}

/* The classes: from all rows of the file, so that the split does not change the network. */
static enum status learn_classes(struct column *target, const struct source *source)
{
    const char **cells = NULL;
    char(*texts)[32] = NULL;
    enum status status;
    TRY_OUT(memory_allocate(source->count, sizeof *cells, &cells));
    TRY_OUT(memory_allocate(source->count, sizeof *texts, &texts));
    for (size_t i = 0; i < source->count; i++) {
        cells[i] = class_text(table_cell(source->table, source->rows[i], source->target), texts[i]);
    }
    TRY_OUT(column_learn(target, cells, source->count));
out:
    free(cells);
    free(texts);
    return status;
}

/* Writes the channels of one feature for all rows of a part. */
static void encode_feature(const struct column *column, const struct source *source, size_t place, int64_t channels,
                           double *values)
{
    size_t unknown = 0;
    for (size_t i = 0; i < source->count; i++) {
        const char *cell = table_cell(source->table, source->rows[i], place);
        double *value = values + (int64_t)i * channels + column->first;
        if (!column->text) {
            *value = NAN;
            (void)cell_number(cell, value);
            continue;
        }
        int64_t category = column_category(column, cell);
        if (category >= 0) {
            value[category] = 1.0;
        } else if (!cell_missing(cell)) {
            unknown++;
        }
    }
    if (unknown > 0) {
        log_warning("%s: %zu rows have a category of column \"%s\" that the training part does not hold; they are read "
                    "as none of its categories",
                    source->table->path, unknown, column->name);
    }
}

static enum status encode_target(const struct column *target, const struct source *source, double *values)
{
    for (size_t i = 0; i < source->count; i++) {
        size_t row = source->rows[i];
        const char *cell = table_cell(source->table, row, source->target);
        if (!target->text) {
            (void)cell_number(cell, &values[i]);
            continue;
        }
        char text[32];
        int64_t category = column_category(target, class_text(cell, text));
        if (category < 0) {
            return fail(STATUS_BAD_INPUT,
                        "%s:%" PRId64 ": \"%s\" is not among the %zu classes of column \"%s\" learnt from",
                        source->table->path, source->table->lines[row], cell, target->category_count, target->name);
        }
        values[i] = (double)category;
    }
    return STATUS_OK;
}

static enum status encode(struct reading *reading, enum split split)
{
    const struct columns *columns = &reading->numbers->columns;
    const struct source *source = &reading->sources[split];
    struct csv_part *part = &reading->numbers->parts[split];
    part->count = (int64_t)source->count;
    TRY(memory_allocate(source->count, (size_t)columns->channels * sizeof *part->features, &part->features));
    TRY(memory_allocate(source->count, sizeof *part->targets, &part->targets));
    for (size_t i = 0; i < columns->feature_count; i++) {
        encode_feature(&columns->features[i], source, source->features[i], columns->channels, part->features);
    }
    return encode_target(&columns->target, source, part->targets);
}

static enum status learn_features(struct reading *reading)
{
    struct columns *columns = &reading->numbers->columns;
    const struct source *train = &reading->sources[SPLIT_TRAIN];
    for (size_t i = 0; i < columns->feature_count; i++) {
        if (columns->features[i].text) {
            TRY(learn_categories(&columns->features[i], train, train->features[i]));
        }
    }
    columns_lay_out(columns);
    return STATUS_OK;
}

static enum status read_tables(struct reading *reading, char delimiter)
{
    const struct csv_options *given = reading->given;
    const char *const paths[SPLIT_COUNT] = {[SPLIT_TRAIN] = given->path, [SPLIT_TEST] = given->test_path};
    for (int split = 0; split < SPLIT_COUNT; split++) {
        if (paths[split][0] != '\0') {
            TRY(table_read(&reading->tables[split], paths[split], delimiter));
            reading->sources[split].table = &reading->tables[split];
        } else {
            reading->sources[split].table = &reading->tables[SPLIT_TRAIN];
        }
        memcpy(reading->numbers->digests[split], reading->tables[split].digest, DIGEST_SIZE);
    }
    return STATUS_OK;
}

static enum status read_parts(struct reading *reading, char delimiter)
{
    const struct csv_options *given = reading->given;
    struct csv_numbers *numbers = reading->numbers;
    struct columns *columns = &numbers->columns;
    struct source *train = &reading->sources[SPLIT_TRAIN];
    struct source *test = &reading->sources[SPLIT_TEST];
    bool own_test = given->test_path[0] != '\0';
    numbers->test_is_train = !own_test && given->test_fraction <= 0.0;
    TRY(read_tables(reading, delimiter));
    TRY(csv_columns_choose(columns, given, train->table, reading->saved));
    TRY(place_columns(columns, train));
    TRY(place_columns(columns, test));
    TRY(choose_rows(reading, train));
    if (columns->target.text && reading->saved == NULL) {
        TRY(learn_classes(&columns->target, train));
    }
    if (own_test) {
        TRY(choose_rows(reading, test));
    } else if (!numbers->test_is_train) {
        TRY(split_rows(reading));
    }
    if (reading->saved == NULL) {
        TRY(learn_features(reading));
    }
    TRY(encode(reading, SPLIT_TRAIN));
    return numbers->test_is_train ? STATUS_OK : encode(reading, SPLIT_TEST);
}

enum status csv_numbers_read(struct csv_numbers *numbers, const struct csv_options *given, char delimiter,
                             const struct checkpoint *saved)
{
    struct reading reading = {.given = given, .saved = saved, .numbers = numbers};
    enum status status = read_parts(&reading, delimiter);
    for (int split = 0; split < SPLIT_COUNT; split++) {
        free(reading.sources[split].features);
        free(reading.sources[split].rows);
        table_release(&reading.tables[split]);
    }
    return status;
}

void csv_numbers_release(struct csv_numbers *numbers)
{
    for (int split = 0; split < SPLIT_COUNT; split++) {
        free(numbers->parts[split].features);
        free(numbers->parts[split].targets);
    }
    columns_release(&numbers->columns);
    *numbers = (struct csv_numbers){0};
}
