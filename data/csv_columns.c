#include "data/csv_columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/saved.h"

/* The columns there are, a long list cut. */
static enum status list_columns(const struct table *table, struct text *list)
{
    enum { SHOWN = 20 };
    for (size_t i = 0; i < table->column_count && i < SHOWN; i++) {
        TRY(text_add(list, "%s%s", i == 0 ? "" : ", ", table->names[i]));
    }
    return text_add(list, "%s", table->column_count > SHOWN ? ", ..." : "");
}

enum status csv_find_column(const struct table *table, const char *name, const char *role, size_t *column)
{
    int64_t found = table_find(table, name);
    if (found >= 0) {
        *column = (size_t)found;
        return STATUS_OK;
    }
    const char *near = nearest_name(table->names, table->column_count, name);
    if (near != NULL) {
        return fail(STATUS_BAD_INPUT, "%s has no column \"%s\" (%s); did you mean \"%s\"?", table->path, name, role,
                    near);
    }
    struct text list = {0};
    enum status status = list_columns(table, &list);
    if (status == STATUS_OK) {
        status = fail(STATUS_BAD_INPUT, "%s has no column \"%s\" (%s); the columns in its first line are: %s",
                      table->path, name, role, text_get(&list));
    }
    text_release(&list);
    return status;
}

static enum status add_feature(struct columns *columns, const char *name, bool text)
{
    TRY(memory_resize(columns->feature_count + 1, sizeof *columns->features, &columns->features));
    struct column *column = &columns->features[columns->feature_count];
    *column = (struct column){0};
    columns->feature_count++;
    return column_init(column, name, text);
}

/* One column that the user asked for by name. */
static enum status ask_for_feature(struct columns *columns, const struct table *table, const char *name)
{
    size_t place;
    TRY(csv_find_column(table, name, "named in features", &place));
    if (strcmp(name, columns->target.name) == 0) {
        return fail(STATUS_BAD_INPUT, "features: \"%s\" is the target; leave it out of the features", name);
    }
    for (size_t i = 0; i < columns->feature_count; i++) {
        if (strcmp(columns->features[i].name, name) == 0) {
            return fail(STATUS_BAD_INPUT, "features: \"%s\" is there twice", name);
        }
    }
    enum column_kind kind = column_kind(table, place);
    if (kind == COLUMN_EMPTY) {
        return fail(STATUS_BAD_INPUT, "%s: column \"%s\" holds no value; leave it out of features", table->path, name);
    }
    return add_feature(columns, name, kind == COLUMN_TEXT);
}

static enum status ask_for_features(struct columns *columns, const struct table *table, const char *features)
{
    char *list;
    TRY(memory_copy_string(features, &list));
    enum status status = STATUS_OK;
    char *rest = list;
    for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ",")) {
        name += strspn(name, " \t");
        for (size_t length = strlen(name); length > 0 && strchr(" \t", name[length - 1]) != NULL; length--) {
            name[length - 1] = '\0';
        }
        if (name[0] == '\0') {
            status = fail(STATUS_BAD_INPUT, "features: a name is missing between two commas");
            goto out;
        }
        TRY_OUT(ask_for_feature(columns, table, name));
    }
out:
    free(list);
    return status;
}

/* All number columns but the target. */
static enum status take_all_features(struct columns *columns, const struct table *table)
{
    for (size_t place = 0; place < table->column_count; place++) {
        const char *name = table->names[place];
        if (strcmp(name, columns->target.name) == 0) {
            continue;
        }
        enum column_kind kind = column_kind(table, place);
        if (name[0] == '\0') {
            log_info("%s: column %zu has no name and is left out", table->path, place + 1);
        } else if (kind == COLUMN_NUMBER) {
            TRY(add_feature(columns, name, false));
        } else {
            log_info("%s: column \"%s\" %s and is left out%s", table->path, name,
                     kind == COLUMN_TEXT ? "holds text" : "holds no value",
                     kind == COLUMN_TEXT ? "; name it in data.features to use its categories" : "");
        }
    }
    if (columns->feature_count == 0) {
        return fail(STATUS_BAD_INPUT,
                    "%s has no column of numbers beside the target: name text columns in features, or set delimiter",
                    table->path);
    }
    return STATUS_OK;
}

static enum status choose_columns(struct columns *columns, const struct csv_options *given, const struct table *table)
{
    size_t target;
    TRY(csv_find_column(table, given->target, "the target", &target));
    enum column_kind kind = column_kind(table, target);
    if (kind == COLUMN_EMPTY) {
        return fail(STATUS_BAD_INPUT, "%s: the target column \"%s\" holds no value", table->path, given->target);
    }
    if (kind == COLUMN_TEXT && given->task == TASK_REGRESSION) {
        return fail(STATUS_BAD_INPUT, "%s: the target column \"%s\" holds text: set task = classification", table->path,
                    given->target);
    }
    TRY(column_init(&columns->target, given->target, given->task == TASK_CLASSIFICATION));
    return given->features[0] != '\0' ? ask_for_features(columns, table, given->features)
                                      : take_all_features(columns, table);
}

/* Are the features that the config names those of the checkpoint? */
static enum status compare_features(const struct columns *columns, const struct csv_options *given,
                                    const struct table *table)
{
    struct columns asked = {0};
    enum status status;
    TRY_OUT(column_init(&asked.target, given->target, columns->target.text));
    TRY_OUT(ask_for_features(&asked, table, given->features));
    bool same = asked.feature_count == columns->feature_count;
    for (size_t i = 0; same && i < asked.feature_count; i++) {
        same = strcmp(asked.features[i].name, columns->features[i].name) == 0;
    }
    if (!same) {
        status = fail(STATUS_BAD_INPUT, "features are not those that the checkpoint was trained with");
    }
out:
    columns_release(&asked);
    return status;
}

/* The columns of the checkpoint; what the config asks for must not contradict them. */
static enum status restore_columns(struct columns *columns, const struct csv_options *given, const struct table *table,
                                   const struct checkpoint *saved)
{
    const char *json;
    TRY(saved_text(saved, "data/columns", &json));
    TRY(columns_parse(columns, json));
    if (strcmp(columns->target.name, given->target) != 0) {
        return fail(STATUS_BAD_INPUT, "target is \"%s\", but the checkpoint was trained to predict \"%s\"",
                    given->target, columns->target.name);
    }
    if (columns->target.text != (given->task == TASK_CLASSIFICATION)) {
        return fail(STATUS_BAD_INPUT, "the checkpoint was trained with task = %s",
                    columns->target.text ? "classification" : "regression");
    }
    return given->features[0] != '\0' ? compare_features(columns, given, table) : STATUS_OK;
}

enum status csv_columns_choose(struct columns *columns, const struct csv_options *given, const struct table *table,
                               const struct checkpoint *saved)
{
    return saved != NULL ? restore_columns(columns, given, table, saved) : choose_columns(columns, given, table);
}
