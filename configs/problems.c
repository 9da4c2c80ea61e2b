#include "configs/problems.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum status problems_add(struct problems *problems, int file, int line, char *text)
{
    for (size_t i = 0; i < problems->count; i++) {
        if (strcmp(problems->items[i].text, text) == 0) {
            free(text);
            return STATUS_OK;
        }
    }
    if (problems->count == PROBLEMS_SHOWN) {
        problems->left_out++;
        free(text);
        return STATUS_OK;
    }
    enum status status = memory_resize(problems->count + 1, sizeof *problems->items, &problems->items);
    if (status != STATUS_OK) {
        free(text);
        return status;
    }
    problems->items[problems->count] =
        (struct problem){.file = file, .line = line, .arrival = problems->count, .text = text};
    problems->count++;
    return STATUS_OK;
}

static int compare(const void *first, const void *second)
{
    const struct problem *a = first;
    const struct problem *b = second;
    if (a->file != b->file) {
        return a->file < b->file ? -1 : 1;
    }
    if (a->line != b->line) {
        return a->line < b->line ? -1 : 1;
    }
    return a->arrival < b->arrival ? -1 : 1;
}

enum status problems_report(struct problems *problems)
{
    if (problems->count == 0) {
        return STATUS_OK;
    }
    qsort(problems->items, problems->count, sizeof *problems->items, compare);
    struct text text = {0};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < problems->count; i++) {
        TRY_OUT(text_add(&text, "%s%s", i == 0 ? "" : "\n", problems->items[i].text));
    }
    if (problems->left_out > 0) {
        TRY_OUT(text_add(&text, "\nand %zu more problems", problems->left_out));
    }
    status = fail(STATUS_BAD_INPUT, "%s", text_get(&text));
out:
    text_release(&text);
    return status;
}

void problems_release(struct problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        free(problems->items[i].text);
    }
    free(problems->items);
    *problems = (struct problems){0};
}
