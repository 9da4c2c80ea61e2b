#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/option.h"
#include "cli/command.h"

enum { MAX_NAMES = 64 };

/* For "%s%s%s" in a format: the nearest name between `before` and `after`, or nothing. */
#define DID_YOU_MEAN(near, before, after)                                                                              \
    (near) != NULL ? (before) : "", (near) != NULL ? (near) : "", (near) != NULL ? (after) : ""

enum status command_find(const char *name, const struct command **command)
{
    const char *names[MAX_NAMES];
    size_t count = 0;
    for (; commands[count] != NULL && count < MAX_NAMES; count++) {
        names[count] = commands[count]->name;
        if (strcmp(name, names[count]) == 0) {
            *command = commands[count];
            return STATUS_OK;
        }
    }
    const char *near = nearest_name(names, count, name);
    return fail(STATUS_BAD_INPUT, "there is no command %s%s%s%s; lemnos help lists them", name,
                DID_YOU_MEAN(near, " (did you mean ", "?)"));
}

static enum status find_flag(const struct command *command, const char *name, size_t length, size_t *found)
{
    const char *names[COMMAND_MAX_FLAGS];
    size_t count = 0;
    for (; command->flags != NULL && command->flags[count].name != NULL; count++) {
        names[count] = command->flags[count].name;
        if (strlen(names[count]) == length && strncmp(name, names[count], length) == 0) {
            *found = count;
            return STATUS_OK;
        }
    }
    char *given;
    TRY(memory_format(&given, "%.*s", (int)length, name));
    const char *near = nearest_name(names, count, given);
    enum status status = fail(STATUS_BAD_INPUT, "lemnos %s has no --%s%s%s%s; lemnos help %s lists what it takes",
                              command->name, given, DID_YOU_MEAN(near, " (did you mean --", "?)"), command->name);
    free(given);
    return status;
}

/* Takes strings[*next], which begins with "--", and its value. */
static enum status take_flag(struct arguments *arguments, const char *const *strings, size_t count, size_t *next)
{
    const char *name = strings[(*next)++] + strlen("--");
    size_t length = strcspn(name, "=");
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    size_t index = 0;
    TRY(find_flag(arguments->command, name, length, &index));
    const struct flag *flag = &arguments->command->flags[index];
    if (flag->value == NULL && value != NULL) {
        return fail(STATUS_BAD_INPUT, "--%s takes no value, but \"%s\" is given", flag->name, value);
    }
    if (flag->value != NULL && value == NULL && *next < count) {
        value = strings[(*next)++];
    }
    if (flag->value != NULL && (value == NULL || value[0] == '\0')) {
        return fail(STATUS_BAD_INPUT, "--%s needs a value: --%s %s", flag->name, flag->name, flag->value);
    }
    if (arguments->values[index] != NULL) {
        return fail(STATUS_BAD_INPUT, "--%s is given twice", flag->name);
    }
    arguments->values[index] = value != NULL ? value : "";
    return STATUS_OK;
}

/* A file may have any name, so what is there is a file. */
static bool is_override(const char *text)
{
    return strchr(text, '=') != NULL && access(text, F_OK) != 0;
}

static enum status take_word(struct arguments *arguments, const char *text)
{
    const struct command *command = arguments->command;
    if (!is_override(text)) {
        if (arguments->word_count == command->most_words) {
            return fail(STATUS_BAD_INPUT, "\"%s\" is one argument too many: lemnos %s %s", text, command->name,
                        command->usage);
        }
        arguments->words[arguments->word_count++] = text;
        return STATUS_OK;
    }
    if (!command->takes_overrides) {
        return fail(STATUS_BAD_INPUT, "lemnos %s takes no section.key=value: lemnos %s %s", command->name,
                    command->name, command->usage);
    }
    const char *dot = strchr(text, '.');
    if (dot == NULL || dot > strchr(text, '=')) {
        return fail(STATUS_BAD_INPUT,
                    "\"%s\" is neither a file nor an override; an override names the section too, as in "
                    "run.epochs=3",
                    text);
    }
    arguments->overrides[arguments->override_count++] = text;
    return STATUS_OK;
}

static enum status take_all(struct arguments *arguments, const char *const *strings, size_t count)
{
    const struct command *command = arguments->command;
    for (size_t next = 0; next < count;) {
        if (strncmp(strings[next], "--", 2) == 0 && strings[next][2] != '\0') {
            TRY(take_flag(arguments, strings, count, &next));
        } else if (strings[next][0] == '-' && strings[next][1] != '\0') {
            return fail(STATUS_BAD_INPUT, "lemnos %s has no %s; lemnos help %s lists what it takes", command->name,
                        strings[next], command->name);
        } else {
            TRY(take_word(arguments, strings[next++]));
        }
    }
    if (arguments->word_count < command->least_words) {
        return fail(STATUS_BAD_INPUT, "something is missing: lemnos %s %s", command->name, command->usage);
    }
    return STATUS_OK;
}

enum status arguments_parse(const struct command *command, const char *const *strings, size_t count,
                            struct arguments *arguments)
{
    *arguments = (struct arguments){.command = command};
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate(count + 1, sizeof *arguments->words, &arguments->words));
    TRY_OUT(memory_allocate(count + 1, sizeof *arguments->overrides, &arguments->overrides));
    TRY_OUT(take_all(arguments, strings, count));
    return STATUS_OK;
out:
    arguments_release(arguments);
    return status;
}

void arguments_release(struct arguments *arguments)
{
    free(arguments->words);
    free(arguments->overrides);
    *arguments = (struct arguments){0};
}

const char *arguments_flag(const struct arguments *arguments, const char *name)
{
    const struct flag *flags = arguments->command->flags;
    for (size_t i = 0; flags != NULL && flags[i].name != NULL; i++) {
        if (strcmp(flags[i].name, name) == 0) {
            return arguments->values[i];
        }
    }
    return NULL;
}

enum status arguments_number(const struct arguments *arguments, const char *name, int64_t least, int64_t most,
                             int64_t fallback, int64_t *number)
{
    const char *text = arguments_flag(arguments, name);
    *number = fallback;
    if (text == NULL) {
        return STATUS_OK;
    }
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || *number < least || *number > most) {
        char to[32] = " or more";
        if (most < INT64_MAX) {
            snprintf(to, sizeof to, " to %" PRId64, most);
        }
        return fail(STATUS_BAD_INPUT, "--%s %s: a whole number is wanted (%" PRId64 "%s)", name, text, least, to);
    }
    return STATUS_OK;
}

enum status arguments_choice(const struct arguments *arguments, const char *name, const char *const *choices,
                             int fallback, int *choice)
{
    const char *text = arguments_flag(arguments, name);
    *choice = fallback;
    if (text == NULL) {
        return STATUS_OK;
    }
    char list[256] = "";
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], text) == 0) {
            *choice = i;
            return STATUS_OK;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", choices[i]);
    }
    return fail(STATUS_BAD_INPUT, "--%s %s: one of %s is wanted", name, text, list);
}
