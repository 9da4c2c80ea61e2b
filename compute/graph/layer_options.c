#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "compute/graph/layer.h"

static enum status parse_entry(const struct layer_type *type, const char *entry, void *options)
{
    char key[64];
    char value[64];
    if (sscanf(entry, " %63[^ =] = %63[^,\n]", key, value) != 2) {
        return fail(STATUS_BAD_INPUT, "%s: \"%s\" does not begin with key = value", type->name, entry);
    }
    const struct option *option = type->options != NULL ? option_find(type->options, key) : NULL;
    if (option == NULL) {
        return fail(STATUS_BAD_INPUT, "%s has no option %s", type->name, key);
    }
    return option_parse(option, value, options);
}

static enum status parse(const struct layer_type *type, const char *text, void *options)
{
    for (const char *entry = text; *entry != '\0';) {
        TRY(parse_entry(type, entry, options));
        entry += strcspn(entry, ",\n");
        entry += *entry != '\0';
    }
    return STATUS_OK;
}

enum status layer_options_create(const struct layer_type *type, const char *text, void **options)
{
    TRY(memory_allocate(1, type->options_size > 0 ? type->options_size : 1, options));
    enum status status = type->options != NULL ? option_defaults(type->options, *options) : STATUS_OK;
    if (status != STATUS_OK) {
        free(*options);
        *options = NULL;
        return status;
    }
    status = parse(type, text, *options);
    if (status != STATUS_OK) {
        layer_options_destroy(type, *options);
        *options = NULL;
    }
    return status;
}

void layer_options_destroy(const struct layer_type *type, void *options)
{
    if (options != NULL && type->options != NULL) {
        option_release(type->options, options);
    }
    free(options);
}
