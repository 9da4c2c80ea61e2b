/* A list of problems, each with its place, for a report that tells all of them at once. */
#ifndef CONFIGS_PROBLEMS_H
#define CONFIGS_PROBLEMS_H

#include "base/status.h"

enum { PROBLEMS_SHOWN = 100 }; /* more are counted, not kept */

struct problem {
    int file; /* the place: problems are told in the order of files, lines, and arrival */
    int line;
    size_t arrival;
    char *text; /* a line for people, its place at the front */
};

struct problems {
    struct problem *items;
    size_t count;
    size_t left_out;
};

/* Takes over `text`, also where it fails. The same text again is one problem still. */
enum status problems_add(struct problems *problems, int file, int line, char *text) MUST_CHECK;
/* OK where there are none; otherwise STATUS_BAD_INPUT, with one line a problem. */
enum status problems_report(struct problems *problems) MUST_CHECK;
void problems_release(struct problems *problems);

#endif
