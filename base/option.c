#include "base/option.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum {
    NUMBER_SIZE = 32,   /* any double or int64_t as text */
    WANTED_SIZE = 1024, /* a long list of choices is cut there */
    EXCERPT_SIZE = 60,  /* bytes of a wrong value that a message shows */
    NEAR_SIZE = 128,    /* names longer than this are near to nothing */
};

static void *value_of(const struct option *option, void *values)
{
    return (char *)values + option->offset;
}

static const void *const_value_of(const struct option *option, const void *values)
{
    return (const char *)values + option->offset;
}

static size_t value_size(enum option_type type)
{
    switch (type) {
    case OPTION_BOOL:
        return sizeof(bool);
    case OPTION_INT:
        return sizeof(int64_t);
    case OPTION_FLOAT:
        return sizeof(double);
    case OPTION_STRING:
        return sizeof(char *);
    case OPTION_CHOICE:
        return sizeof(int);
    case OPTION_PAIR:
        return sizeof(int64_t[2]);
    }
    return 0;
}

/* The shortest text that reads back as the same number. */
static void format_number(double value, char text[NUMBER_SIZE])
{
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            return;
        }
    }
}

static bool has_bounds(const struct option *option)
{
    return option->min != 0 || option->max != 0;
}

static bool within_bounds(const struct option *option, double value)
{
    return !has_bounds(option) || (value >= option->min && value <= option->max);
}

/* Exactly: as a double, 2^53 + 1 would pass for 2^53. */
static bool whole_within_bounds(const struct option *option, int64_t value)
{
    return !has_bounds(option) || ((option->min < -0x1p63 || value >= (int64_t)ceil(option->min)) &&
                                   (option->max >= 0x1p63 || value <= (int64_t)floor(option->max)));
}

/* " (0 to 1000)", or nothing. */
static void describe_bounds(const struct option *option, char *buffer, size_t size)
{
    char least[NUMBER_SIZE];
    char most[NUMBER_SIZE];
    format_number(option->min, least);
    format_number(option->max, most);
    if (!has_bounds(option) || (isinf(option->min) && isinf(option->max))) {
        buffer[0] = '\0';
    } else if (isinf(option->max)) {
        snprintf(buffer, size, " (%s or more)", least);
    } else if (isinf(option->min)) {
        snprintf(buffer, size, " (at most %s)", most);
    } else {
        snprintf(buffer, size, " (%s to %s)", least, most);
    }
}

static void describe_choices(const struct option *option, char *buffer, size_t size)
{
    size_t used = (size_t)snprintf(buffer, size, "one of ");
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        int added = snprintf(buffer + used, size - used, "%s%s", choice == option->choices ? "" : ", ", *choice);
        if ((size_t)added >= size - used) {
            memcpy(buffer + size - 4, "...", 4);
            return;
        }
        used += (size_t)added;
    }
}

/* What a value may be, with `verb` between the kind and the bounds: "a number is wanted (0 to 1000)". */
static void describe(const struct option *option, const char *verb, char *buffer, size_t size)
{
    char bounds[3 * NUMBER_SIZE];
    describe_bounds(option, bounds, sizeof bounds);
    switch (option->type) {
    case OPTION_BOOL:
        snprintf(buffer, size, "yes or no%s", verb);
        break;
    case OPTION_INT:
        snprintf(buffer, size, "a whole number%s%s", verb, bounds);
        break;
    case OPTION_FLOAT:
        snprintf(buffer, size, "a number%s%s", verb, bounds);
        break;
    case OPTION_STRING:
        snprintf(buffer, size, "text%s", verb);
        break;
    case OPTION_CHOICE:
        describe_choices(option, buffer, size - strlen(verb));
        strcat(buffer, verb);
        break;
    case OPTION_PAIR:
        snprintf(buffer, size, "a whole number or a pair like 7x5 (height x width)%s%s", verb, bounds);
        break;
    }
}

static enum status refuse(const struct option *option, const char *text)
{
    char wanted[WANTED_SIZE];
    describe(option, " is wanted", wanted, sizeof wanted);
    int shown = text_excerpt(text, EXCERPT_SIZE);
    return fail(STATUS_BAD_INPUT, "%s = %.*s%s: %s", option->name, shown, text, text[shown] != '\0' ? "..." : "",
                wanted);
}

static bool parse_bool(const char *text, bool *value)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(text, words[i]) == 0) {
            *value = i % 2 == 1;
            return true;
        }
    }
    return false;
}

/* Reads a whole number up to `end`, which strtoll() alone would not insist on, nor on the absence of blanks. */
static bool parse_int(const char *text, const char *end, int64_t *value)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*digits)) {
        return false;
    }
    char *stop;
    errno = 0;
    *value = strtoll(text, &stop, 10);
    return errno == 0 && stop == end;
}

/* strtod() without its hexadecimal numbers, infinities and leading blanks. */
static bool parse_float(const char *text, double *value)
{
    size_t length = strspn(text, "0123456789+-.eE");
    if (length == 0 || text[length] != '\0') {
        return false;
    }
    char *stop;
    errno = 0;
    *value = strtod(text, &stop);
    bool lost = errno == ERANGE && *value == 0;
    return stop == text + length && isfinite(*value) && !lost;
}

static bool parse_pair(const char *text, int64_t pair[2])
{
    const char *end = text + strlen(text);
    const char *cross = strchr(text, 'x');
    if (cross == NULL) {
        bool good = parse_int(text, end, &pair[0]);
        pair[1] = pair[0];
        return good;
    }
    return parse_int(text, cross, &pair[0]) && parse_int(cross + 1, end, &pair[1]);
}

static bool parse_choice(const struct option *option, const char *text, int *value)
{
    for (int i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(option->choices[i], text) == 0) {
            *value = i;
            return true;
        }
    }
    return false;
}

static enum status set_string(const char *text, char **value)
{
    char *copy;
    TRY(memory_copy_string(text, &copy));
    free(*value);
    *value = copy;
    return STATUS_OK;
}

enum status option_parse(const struct option *option, const char *text, void *values)
{
    union {
        bool flag;
        int64_t whole[2];
        double number;
        int choice;
    } parsed = {.whole = {0, 0}};
    bool good = false;
    switch (option->type) {
    case OPTION_STRING:
        return set_string(text, value_of(option, values));
    case OPTION_BOOL:
        good = parse_bool(text, &parsed.flag);
        break;
    case OPTION_INT:
        good = parse_int(text, text + strlen(text), &parsed.whole[0]) && whole_within_bounds(option, parsed.whole[0]);
        break;
    case OPTION_FLOAT:
        good = parse_float(text, &parsed.number) && within_bounds(option, parsed.number);
        break;
    case OPTION_CHOICE:
        good = parse_choice(option, text, &parsed.choice);
        break;
    case OPTION_PAIR:
        good = parse_pair(text, parsed.whole) && whole_within_bounds(option, parsed.whole[0]) &&
               whole_within_bounds(option, parsed.whole[1]);
        break;
    }
    if (!good) {
        return refuse(option, text);
    }
    memcpy(value_of(option, values), &parsed, value_size(option->type));
    return STATUS_OK;
}

enum status option_defaults(const struct option *table, void *values)
{
    for (const struct option *option = table; option->name != NULL; option++) {
        memset(value_of(option, values), 0, value_size(option->type));
    }
    for (const struct option *option = table; option->name != NULL; option++) {
        if (option->fallback == NULL && option->type != OPTION_STRING) {
            continue;
        }
        const char *text = option->fallback != NULL ? option->fallback : "";
        enum status status = option_parse(option, text, values);
        if (status != STATUS_OK) {
            option_release(table, values);
            return fail_context(status, "the default is wrong: ");
        }
    }
    return STATUS_OK;
}

const struct option *option_find(const struct option *table, const char *name)
{
    for (const struct option *option = table; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Insertions, deletions, replacements and swaps of neighbours, regardless of case; both at most NEAR_SIZE long. */
static size_t edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][NEAR_SIZE + 1];
    for (size_t j = 0; j <= b_length; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t replaced = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);
            row[j] = smaller(replaced, smaller(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1])) {
                row[j] = smaller(row[j], above_that[j - 2] + 1);
            }
        }
    }
    return rows[a_length % 3][b_length];
}

/* The distance, or SIZE_MAX where no one would take one for the other. */
static size_t distance_if_near(const char *name, const char *other)
{
    size_t length = strlen(name);
    size_t other_length = strlen(other);
    size_t longest = length > other_length ? length : other_length;
    if (longest > NEAR_SIZE) {
        return SIZE_MAX;
    }
    size_t distance = edit_distance(name, length, other, other_length);
    if (distance <= (longest + 1) / 3) {
        return distance;
    }
    /* "batch_size" for "batch": far in letters, near in mind. */
    bool contained =
        smaller(length, other_length) >= 3 && (strcasestr(name, other) != NULL || strcasestr(other, name) != NULL);
    return contained ? distance : SIZE_MAX;
}

struct nearest {
    const char *name;
    size_t distance;
};

static void consider(struct nearest *nearest, const char *name, const char *other)
{
    size_t distance = distance_if_near(name, other);
    if (distance < nearest->distance) {
        *nearest = (struct nearest){.name = other, .distance = distance};
    }
}

const char *nearest_name(const char *const *names, size_t count, const char *name)
{
    struct nearest nearest = {.distance = SIZE_MAX};
    for (size_t i = 0; i < count; i++) {
        consider(&nearest, name, names[i]);
    }
    return nearest.name;
}

const char *option_nearest(const struct option *table, const char *name)
{
    struct nearest nearest = {.distance = SIZE_MAX};
    for (const struct option *option = table; option->name != NULL; option++) {
        consider(&nearest, name, option->name);
    }
    return nearest.name;
}

enum status option_format(const struct option *option, const void *values, char *buffer, size_t size)
{
    const void *value = const_value_of(option, values);
    const int64_t *pair = value;
    char number[NUMBER_SIZE];
    int length = 0;
    switch (option->type) {
    case OPTION_BOOL:
        length = snprintf(buffer, size, "%s", *(const bool *)value ? "yes" : "no");
        break;
    case OPTION_INT:
        length = snprintf(buffer, size, "%lld", (long long)*(const int64_t *)value);
        break;
    case OPTION_FLOAT:
        format_number(*(const double *)value, number);
        length = snprintf(buffer, size, "%s", number);
        break;
    case OPTION_STRING:
        length = snprintf(buffer, size, "%s", *(char *const *)value);
        break;
    case OPTION_CHOICE:
        length = snprintf(buffer, size, "%s", option->choices[*(const int *)value]);
        break;
    case OPTION_PAIR:
        if (pair[0] == pair[1]) {
            length = snprintf(buffer, size, "%lld", (long long)pair[0]);
        } else {
            length = snprintf(buffer, size, "%lldx%lld", (long long)pair[0], (long long)pair[1]);
        }
        break;
    }
    if (length < 0 || (size_t)length >= size) {
        return fail(STATUS_FAILED, "%s: its value needs %d bytes of text, and there is room for %zu", option->name,
                    length + 1, size);
    }
    return STATUS_OK;
}

void option_print(const struct option *table, FILE *file)
{
    int width = 0;
    for (const struct option *option = table; option->name != NULL; option++) {
        int length = (int)strlen(option->name);
        width = length > width ? length : width;
    }
    for (const struct option *option = table; option->name != NULL; option++) {
        char wanted[WANTED_SIZE];
        describe(option, "", wanted, sizeof wanted);
        fprintf(file, "%-*s  %s\n%*s  %s; ", width, option->name, option->help, width, "", wanted);
        if (option->fallback == NULL) {
            fprintf(file, "required\n");
        } else {
            fprintf(file, "default: %s\n", option->fallback[0] != '\0' ? option->fallback : "empty");
        }
    }
}

void option_release(const struct option *table, void *values)
{
    for (const struct option *option = table; option->name != NULL; option++) {
        if (option->type == OPTION_STRING) {
            char **text = value_of(option, values);
            free(*text);
            *text = NULL;
        }
    }
}
