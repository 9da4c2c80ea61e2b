#include "bench/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void json_measured(cJSON *object, const char *name, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    cJSON_AddNumberToObject(object, name, strtod(text, NULL));
}

enum status json_print(const cJSON *object, FILE *file)
{
    char *text = cJSON_Print(object);
    if (text == NULL) {
        return fail(STATUS_NO_MEMORY, "the results do not fit into memory as JSON");
    }
    int printed = fprintf(file, "%s\n", text);
    cJSON_free(text);
    return printed < 0 ? fail(STATUS_FAILED, "the results cannot be written: %s", strerror(errno)) : STATUS_OK;
}
