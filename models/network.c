#include "models/network.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static enum status add(struct network *network, const char *type_name, const char *name, const char *text,
                       const int *inputs, int input_count, int *value)
{
    const struct layer_type *type = layer_type_find(type_name);
    if (type == NULL) {
        return fail(STATUS_FAILED, "there is no layer type \"%s\"", type_name);
    }
    void *options = NULL;
    char *whole = NULL;
    struct layer *layer;
    enum status status;
    TRY_OUT(layer_options_create(type, text, &options));
    TRY_OUT(memory_format(&whole, "%s%s", network->scope, name));
    struct layer_params params = {
        .type = type, .name = whole, .options = options, .inputs = inputs, .input_count = input_count};
    TRY_OUT(graph_add(network->graph, &params, &layer));
    *value = layer->outputs[0];
out:
    layer_options_destroy(type, options);
    free(whole);
    return status;
}

enum status network_add(struct network *network, int *value, const char *type, const char *name)
{
    int input = *value;
    return add(network, type, name, "", &input, 1, value);
}

enum status network_add_with(struct network *network, int *value, const char *type, const char *name,
                             const char *options, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, options);
    int length = vsnprintf(text, sizeof text, options, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof text) {
        return fail(STATUS_FAILED, "the options of %s%s are too long", network->scope, name);
    }
    int input = *value;
    return add(network, type, name, text, &input, 1, value);
}

enum status network_join(struct network *network, int *value, int other, const char *type, const char *name)
{
    int inputs[2] = {*value, other};
    return add(network, type, name, "", inputs, 2, value);
}

enum status network_scope(struct network *network, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(network->scope, sizeof network->scope, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof network->scope) {
        return fail(STATUS_FAILED, "the scope \"%s\" is too long", network->scope);
    }
    return STATUS_OK;
}

struct shape network_shape(const struct network *network, int value)
{
    return network->graph->values[value].shape;
}
