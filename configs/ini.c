#include "configs/ini.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a wrong line that a message shows. */
#define EXCERPT "%.*s%s"
#define EXCERPT_OF(text) text_excerpt((text), 40), (text), strlen(text) > 40 ? "..." : ""

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool opens_comment(char c)
{
    return c == ';' || c == '#';
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " \t");
}

char *ini_trim(char *text)
{
    text = skip_blanks(text);
    size_t length = strlen(text);
    while (length > 0 && is_blank(text[length - 1])) {
        length--;
    }
    text[length] = '\0';
    return text;
}

bool ini_check_characters(const char *text, char problem[INI_PROBLEM_SIZE])
{
    for (const char *c = text; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c) && *c != '\t') {
            snprintf(problem, INI_PROBLEM_SIZE, "byte %td is the control character 0x%02x, which is no text",
                     c - text + 1, (unsigned)*c);
            return false;
        }
    }
    return true;
}

bool ini_clean_section(char *name, char problem[INI_PROBLEM_SIZE])
{
    char *from = ini_trim(name);
    char *to = name;
    for (; *from != '\0'; from++) {
        if (!is_blank(*from)) {
            *to++ = *from;
        } else if (!is_blank(from[-1])) {
            *to++ = ' ';
        }
    }
    *to = '\0';
    size_t length = strlen(name);
    if (length == 0) {
        snprintf(problem, INI_PROBLEM_SIZE, "a section without a name");
    } else if (length > INI_NAME_SIZE) {
        snprintf(problem, INI_PROBLEM_SIZE, "a section's name has %zu bytes: at most %d", length, (int)INI_NAME_SIZE);
    } else if (strpbrk(name, "[]=;#\"") != NULL) {
        snprintf(problem, INI_PROBLEM_SIZE, "the section's name \"%s\" holds one of [ ] = ; # \"", name);
    } else {
        return true;
    }
    return false;
}

bool ini_check_key(const char *key, char problem[INI_PROBLEM_SIZE])
{
    size_t length = strlen(key);
    if (length == 0) {
        snprintf(problem, INI_PROBLEM_SIZE, "there is no key before \"=\"");
        return false;
    }
    if (length > INI_NAME_SIZE) {
        snprintf(problem, INI_PROBLEM_SIZE, "the key " EXCERPT " has %zu bytes: at most %d", EXCERPT_OF(key), length,
                 (int)INI_NAME_SIZE);
        return false;
    }
    for (const char *c = key; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-') {
            snprintf(problem, INI_PROBLEM_SIZE, "\"%s\" is no key: letters, digits, _ and - make a key", key);
            return false;
        }
    }
    return true;
}

/* `text` is what follows a section's "]" or a closing quote. */
static bool is_rest_of_line(char *text)
{
    text = skip_blanks(text);
    return *text == '\0' || opens_comment(*text);
}

static enum ini_kind read_section(struct ini *ini, char *text)
{
    char *end = strchr(text, ']');
    if (end == NULL) {
        snprintf(ini->problem, sizeof ini->problem, EXCERPT ": the \"]\" of the section is missing", EXCERPT_OF(text));
        return INI_BAD_SECTION;
    }
    if (!is_rest_of_line(end + 1)) {
        snprintf(ini->problem, sizeof ini->problem, EXCERPT ": nothing but a comment may follow the \"]\"",
                 EXCERPT_OF(text));
        return INI_BAD_SECTION;
    }
    *end = '\0';
    ini->name = text + 1;
    return ini_clean_section(ini->name, ini->problem) ? INI_SECTION : INI_BAD_SECTION;
}

/* Cuts the value before a blank and a comment sign; `text` stands right behind "=", so its own first byte counts. */
static void read_plain_value(struct ini *ini, char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (is_blank(c[0]) && opens_comment(c[1])) {
            *c = '\0';
            break;
        }
    }
    ini->value = ini_trim(text);
}

/* `text` stands behind the opening quote. Takes the backslashes out in place. */
static bool read_quoted_value(struct ini *ini, char *text)
{
    ini->value = text;
    char *to = text;
    for (char *from = text; *from != '\0'; from++) {
        if (*from == '"') {
            *to = '\0';
            if (!is_rest_of_line(from + 1)) {
                snprintf(ini->problem, sizeof ini->problem,
                         "%s: nothing but a comment may follow the closing quote; a quote inside is written \\\"",
                         ini->name);
                return false;
            }
            return true;
        }
        if (*from == '\\') {
            from++;
            if (*from != '"' && *from != '\\') {
                snprintf(ini->problem, sizeof ini->problem,
                         "%s: a backslash in quotes stands before a quote or a backslash only (write \\\\ for one)",
                         ini->name);
                return false;
            }
        }
        *to++ = *from;
    }
    snprintf(ini->problem, sizeof ini->problem, "%s: the closing quote is missing", ini->name);
    return false;
}

static enum ini_kind read_key(struct ini *ini, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL) {
        snprintf(ini->problem, sizeof ini->problem,
                 EXCERPT ": this is neither \"[section]\" nor \"key = value\" nor a comment", EXCERPT_OF(text));
        return INI_BAD_LINE;
    }
    *equals = '\0';
    ini->name = ini_trim(text);
    if (!ini_check_key(ini->name, ini->problem)) {
        return INI_BAD_LINE;
    }
    char *value = skip_blanks(equals + 1);
    if (*value == '"') {
        return read_quoted_value(ini, value + 1) ? INI_KEY : INI_BAD_LINE;
    }
    read_plain_value(ini, equals + 1);
    return INI_KEY;
}

void ini_init(struct ini *ini, char *text)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    *ini = (struct ini){.rest = text};
    if (strncmp(text, byte_order_mark, 3) == 0) {
        ini->rest = text + 3;
    }
}

/* Takes one line off the text, without its "\n" or "\r\n". */
static char *take_line(struct ini *ini)
{
    char *text = ini->rest;
    size_t length = strcspn(text, "\n");
    ini->rest = text + length + (text[length] == '\n');
    text[length] = '\0';
    if (length > 0 && text[length - 1] == '\r') {
        text[length - 1] = '\0';
    }
    ini->line++;
    return text;
}

enum ini_kind ini_next(struct ini *ini)
{
    while (*ini->rest != '\0') {
        char *line = take_line(ini);
        if (!ini_check_characters(line, ini->problem)) {
            return *skip_blanks(line) == '[' ? INI_BAD_SECTION : INI_BAD_LINE;
        }
        char *text = skip_blanks(line);
        if (*text == '[') {
            return read_section(ini, text);
        }
        if (*text != '\0' && !opens_comment(*text)) {
            return read_key(ini, text);
        }
    }
    return INI_END;
}

static bool needs_quotes(const char *value)
{
    size_t length = strlen(value);
    if (length == 0) {
        return false;
    }
    if (is_blank(value[0]) || is_blank(value[length - 1]) || value[0] == '"' || opens_comment(value[0])) {
        return true;
    }
    for (const char *c = value; *c != '\0'; c++) {
        if (is_blank(c[0]) && opens_comment(c[1])) {
            return true;
        }
    }
    return false;
}

enum status ini_add_value(struct text *text, const char *value)
{
    if (!needs_quotes(value)) {
        return text_add(text, "%s", value);
    }
    TRY(text_add(text, "\""));
    for (const char *c = value; *c != '\0'; c++) {
        TRY(text_add(text, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c));
    }
    return text_add(text, "\"");
}
