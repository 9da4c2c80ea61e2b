#include "train/agreement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "version.h"

enum { FIXED_FIELDS = 4 };

/*
 * The resolved config, cut into fields "section.key" so that a message can name the one that differs. The names are the
 * caller's to free; the values lie in `text`.
 */
static enum status add_config(char *text, struct agreement **fields, size_t *count)
{
    char *rest = NULL;
    const char *section = "";
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *end = strchr(line, ']');
        if (line[0] == '[' && end != NULL) {
            *end = '\0';
            section = line + 1;
            continue;
        }
        char *value = strstr(line, " = ");
        if (value == NULL) {
            continue;
        }
        *value = '\0';
        char *name;
        TRY(memory_format(&name, "%s.%s", section, line));
        enum status status = memory_resize(*count + 1, sizeof **fields, fields);
        if (status != STATUS_OK) {
            free(name);
            return status;
        }
        (*fields)[(*count)++] = (struct agreement){.field = name, .value = value + strlen(" = ")};
    }
    return STATUS_OK;
}

static void free_fields(struct agreement *fields, size_t count)
{
    for (size_t i = 0; fields != NULL && i < count; i++) {
        free((char *)fields[i].field);
    }
    free(fields);
}

enum status agree_on_session(struct session *session, const struct config *config)
{
    struct text text = {0};
    char *copy = NULL;
    struct agreement *fields = NULL;
    size_t count = FIXED_FIELDS;
    uint8_t digest[DIGEST_SIZE];
    char program[DIGEST_TEXT_SIZE];
    char data[DIGEST_TEXT_SIZE];
    char lines[32];
    enum status status = STATUS_OK;
    TRY_OUT(config_text(config, &text));
    TRY_OUT(memory_copy_string(text_get(&text), &copy));
    TRY_OUT(memory_allocate(FIXED_FIELDS, sizeof *fields, &fields));
    TRY_OUT(add_config(copy, &fields, &count));
    TRY_OUT(program_digest(&session->program, digest));
    digest_text(digest, program);
    digest_text(session->dataset->digest, data);
    snprintf(lines, sizeof lines, "%zu", count - FIXED_FIELDS);
    fields[0] = (struct agreement){.field = "the version of lemnos", .value = LEMNOS_VERSION};
    fields[1] = (struct agreement){.field = "the number of keys of the configuration", .value = lines};
    fields[2] = (struct agreement){.field = "the data (its digest)", .value = data};
    fields[3] = (struct agreement){.field = "the network (its digest)", .value = program};
    /* The config first: where it differs, data and network differ too, and its line says why. */
    TRY_OUT(comm_agree(session->comm, fields, 2));
    TRY_OUT(comm_agree(session->comm, fields + FIXED_FIELDS, count - FIXED_FIELDS));
    status = comm_agree(session->comm, fields + 2, 2);
out:
    for (size_t i = 0; fields != NULL && i < FIXED_FIELDS; i++) {
        fields[i].field = NULL; /* these are not allocated */
    }
    free_fields(fields, count);
    text_release(&text);
    free(copy);
    return status;
}

enum status agree_on_tuning(struct session *session)
{
    struct tuning first = session->tuning;
    TRY(comm_broadcast(session->comm, &first, sizeof first, 0));
    for (int i = 0; i < TUNING_FIELD_COUNT; i++) {
        if (tuning_fields[i].is_shared) {
            tuning_set(&session->tuning, i, tuning_get(&first, i));
        }
    }
    return STATUS_OK;
}

enum status agree_on_parameters(struct session *session, int64_t step)
{
    uint8_t digest[DIGEST_SIZE];
    char value[DIGEST_TEXT_SIZE];
    char field[64];
    TRY(digest_of(engine_host(session->engine, REGION_PARAMETERS), (size_t)session->program.flat_count * sizeof(float),
                  digest));
    digest_text(digest, value);
    snprintf(field, sizeof field, "the parameters after step %" PRId64, step);
    struct agreement agreement = {.field = field, .value = value};
    return comm_agree(session->comm, &agreement, 1);
}

enum status agree_on_checkpoint(struct comm *comm, const struct checkpoint *saved)
{
    char value[DIGEST_TEXT_SIZE + 64] = "none";
    if (saved != NULL) {
        struct digest *digest;
        uint8_t result[DIGEST_SIZE];
        char text[DIGEST_TEXT_SIZE];
        TRY(digest_create(&digest));
        enum status status = STATUS_OK;
        for (size_t i = 0; i < saved->array_count && status == STATUS_OK; i++) {
            status = digest_add(digest, saved->arrays[i].data, array_size(&saved->arrays[i]));
        }
        if (status == STATUS_OK) {
            status = digest_finish(digest, result);
        }
        digest_destroy(digest);
        TRY(status);
        digest_text(result, text);
        snprintf(value, sizeof value, "step %" PRId64 ", digest %s", saved->step, text);
    }
    struct agreement agreement = {.field = "the checkpoint to resume from", .value = value};
    return comm_agree(comm, &agreement, 1);
}

/* The value of a field, NULL where there is none. */
static const char *find_field(const struct agreement *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].field, name) == 0) {
            return fields[i].value;
        }
    }
    return NULL;
}

enum status tell_config_changes(const struct config *config, const struct checkpoint *saved)
{
    struct text text = {0};
    char *now_text = NULL;
    char *then_text = NULL;
    struct agreement *now = NULL;
    struct agreement *then = NULL;
    size_t now_count = 0;
    size_t then_count = 0;
    const char *saved_text = checkpoint_text(saved, "config");
    enum status status = STATUS_OK;
    TRY_OUT(config_text(config, &text));
    TRY_OUT(memory_copy_string(text_get(&text), &now_text));
    TRY_OUT(memory_copy_string(saved_text != NULL ? saved_text : "", &then_text));
    TRY_OUT(add_config(now_text, &now, &now_count));
    TRY_OUT(add_config(then_text, &then, &then_count));
    for (size_t i = 0; i < now_count; i++) {
        const char *before = find_field(then, then_count, now[i].field);
        if (before == NULL || strcmp(before, now[i].value) != 0) {
            log_info("not as in the checkpoint: %s = %s, before %s", now[i].field, now[i].value,
                     before != NULL ? before : "not set");
        }
    }
    for (size_t i = 0; i < then_count; i++) {
        if (find_field(now, now_count, then[i].field) == NULL) {
            log_info("not as in the checkpoint: %s is not set, before %s", then[i].field, then[i].value);
        }
    }
out:
    free_fields(now, now_count);
    free_fields(then, then_count);
    free(now_text);
    free(then_text);
    text_release(&text);
    return status;
}
