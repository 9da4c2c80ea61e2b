#include "data/columns.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

bool cell_missing(const char *cell)
{
    return cell[0] == '\0' || strcmp(cell, "?") == 0 || strcmp(cell, "NA") == 0 || strcasecmp(cell, "nan") == 0;
}

bool cell_number(const char *cell, double *value)
{
    /* strtod() would take hexadecimal, "inf" and leading blanks, too. */
    if (cell[0] == '\0' || strspn(cell, "0123456789+-.eE") != strlen(cell)) {
        return false;
    }
    char *end;
    *value = strtod(cell, &end);
    return *end == '\0' && isfinite(*value);
}

enum column_kind column_kind(const struct table *table, size_t column)
{
    size_t numbers = 0;
    size_t texts = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        const char *cell = table_cell(table, row, column);
        double value;
        if (cell_missing(cell)) {
            continue;
        }
        if (cell_number(cell, &value)) {
            numbers++;
        } else {
            texts++;
        }
    }
    if (numbers + texts == 0) {
        return COLUMN_EMPTY;
    }
    return numbers >= texts ? COLUMN_NUMBER : COLUMN_TEXT;
}

enum status column_init(struct column *column, const char *name, bool text)
{
    *column = (struct column){.text = text};
    return memory_copy_string(name, &column->name);
}

/* Numbers by value, ahead of text by bytes; equal numbers that are written in two ways by bytes, too. */
static int compare_cells(const void *a, const void *b)
{
    const char *const *first = a;
    const char *const *second = b;
    double x;
    double y;
    bool first_number = cell_number(*first, &x);
    bool second_number = cell_number(*second, &y);
    if (first_number != second_number) {
        return first_number ? -1 : 1;
    }
    if (first_number && (x < y || x > y)) {
        return x < y ? -1 : 1;
    }
    return strcmp(*first, *second);
}

static enum status add_category(struct column *column, const char *category)
{
    TRY(memory_resize(column->category_count + 1, sizeof *column->categories, &column->categories));
    TRY(memory_copy_string(category, &column->categories[column->category_count]));
    column->category_count++;
    return STATUS_OK;
}

enum status column_learn(struct column *column, const char **cells, size_t count)
{
    if (count > 0) {
        qsort(cells, count, sizeof *cells, compare_cells);
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(cells[i], cells[i - 1]) != 0) {
            TRY(add_category(column, cells[i]));
        }
    }
    return STATUS_OK;
}

int64_t column_category(const struct column *column, const char *cell)
{
    if (column->category_count == 0) {
        return -1;
    }
    char **found =
        bsearch(&cell, column->categories, column->category_count, sizeof *column->categories, compare_cells);
    return found != NULL ? found - column->categories : -1;
}

void columns_lay_out(struct columns *columns)
{
    columns->channels = 0;
    for (size_t i = 0; i < columns->feature_count; i++) {
        struct column *column = &columns->features[i];
        column->first = columns->channels;
        column->channels = column->text ? (int64_t)column->category_count : 1;
        columns->channels += column->channels;
    }
}

static bool format_column(const struct column *column, cJSON *object)
{
    if (cJSON_AddStringToObject(object, "name", column->name) == NULL) {
        return false;
    }
    if (!column->text) {
        return true;
    }
    cJSON *categories = cJSON_AddArrayToObject(object, "categories");
    for (size_t i = 0; i < column->category_count; i++) {
        cJSON *item = cJSON_CreateString(column->categories[i]);
        if (!cJSON_AddItemToArray(categories, item)) {
            cJSON_Delete(item);
            return false;
        }
    }
    return categories != NULL;
}

static bool format_columns(const struct columns *columns, cJSON *root)
{
    cJSON *features = cJSON_AddArrayToObject(root, "features");
    for (size_t i = 0; i < columns->feature_count; i++) {
        cJSON *object = cJSON_CreateObject();
        if (!cJSON_AddItemToArray(features, object)) {
            cJSON_Delete(object);
            return false;
        }
        if (!format_column(&columns->features[i], object)) {
            return false;
        }
    }
    cJSON *target = cJSON_AddObjectToObject(root, "target");
    return features != NULL && target != NULL && format_column(&columns->target, target);
}

enum status columns_format(const struct columns *columns, char **json)
{
    *json = NULL;
    cJSON *root = cJSON_CreateObject();
    if (root != NULL && format_columns(columns, root)) {
        *json = cJSON_PrintUnformatted(root);
    }
    cJSON_Delete(root);
    return *json != NULL ? STATUS_OK : fail(STATUS_NO_MEMORY, "out of memory to describe the columns of a table");
}

static enum status not_columns(void)
{
    return fail(STATUS_BAD_INPUT, "data/columns of the checkpoint does not describe the columns of a table: "
                                  "take another checkpoint");
}

static enum status parse_column(struct column *column, const cJSON *object)
{
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(object, "name");
    const cJSON *categories = cJSON_GetObjectItemCaseSensitive(object, "categories");
    if (!cJSON_IsString(name) || (categories != NULL && !cJSON_IsArray(categories))) {
        return not_columns();
    }
    TRY(column_init(column, name->valuestring, categories != NULL));
    const cJSON *item;
    cJSON_ArrayForEach(item, categories)
    {
        if (!cJSON_IsString(item)) {
            return not_columns();
        }
        TRY(add_category(column, item->valuestring));
        char **last = &column->categories[column->category_count - 1];
        if (column->category_count > 1 && compare_cells(last - 1, last) >= 0) {
            return not_columns();
        }
    }
    return STATUS_OK;
}

static enum status parse_columns(struct columns *columns, const cJSON *root)
{
    const cJSON *features = cJSON_GetObjectItemCaseSensitive(root, "features");
    const cJSON *target = cJSON_GetObjectItemCaseSensitive(root, "target");
    if (!cJSON_IsArray(features) || cJSON_GetArraySize(features) < 1 || !cJSON_IsObject(target)) {
        return not_columns();
    }
    TRY(memory_allocate((size_t)cJSON_GetArraySize(features), sizeof *columns->features, &columns->features));
    const cJSON *item;
    cJSON_ArrayForEach(item, features)
    {
        TRY(parse_column(&columns->features[columns->feature_count++], item));
    }
    TRY(parse_column(&columns->target, target));
    columns_lay_out(columns);
    return columns->channels > 0 ? STATUS_OK : not_columns();
}

enum status columns_parse(struct columns *columns, const char *json)
{
    cJSON *root = cJSON_Parse(json);
    if (root == NULL) {
        return not_columns();
    }
    enum status status = parse_columns(columns, root);
    cJSON_Delete(root);
    return status;
}

static void column_release(struct column *column)
{
    for (size_t i = 0; i < column->category_count; i++) {
        free(column->categories[i]);
    }
    free(column->categories);
    free(column->name);
}

void columns_release(struct columns *columns)
{
    for (size_t i = 0; i < columns->feature_count; i++) {
        column_release(&columns->features[i]);
    }
    column_release(&columns->target);
    free(columns->features);
    *columns = (struct columns){0};
}
