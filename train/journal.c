#include "train/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

struct journal {
    int file;
    char *path;
};

static enum status failed(const struct journal *journal, const char *what)
{
    return fail(STATUS_FAILED, "%s: %s: %s", journal->path, what, strerror(errno));
}

/* Whether a line belongs to a step of at most `step`; a line that a kill cut short does not. */
static bool keep_line(const char *line, int64_t step)
{
    cJSON *object = cJSON_Parse(line);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, "step");
    bool keep = cJSON_IsNumber(value) && value->valuedouble <= (double)step;
    cJSON_Delete(object);
    return keep;
}

/* The length of the file's start that stays: all lines up to the first that goes. */
static enum status find_cut(const struct journal *journal, int64_t step, off_t *cut)
{
    *cut = 0;
    FILE *file = step >= 0 ? fopen(journal->path, "r") : NULL;
    if (file == NULL) {
        return step < 0 || errno == ENOENT ? STATUS_OK : failed(journal, "cannot be read");
    }
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    while ((length = getline(&line, &capacity, file)) > 0 && line[length - 1] == '\n' && keep_line(line, step)) {
        *cut += length;
    }
    free(line);
    fclose(file);
    return STATUS_OK;
}

enum status journal_create(const char *path, int64_t step, struct journal **created)
{
    struct journal *journal;
    off_t cut;
    TRY(memory_allocate(1, sizeof *journal, &journal));
    journal->file = -1;
    enum status status = STATUS_OK;
    TRY_OUT(memory_copy_string(path, &journal->path));
    TRY_OUT(find_cut(journal, step, &cut));
    journal->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (journal->file < 0 || ftruncate(journal->file, cut) != 0) {
        status = failed(journal, "cannot be written");
    }
out:
    if (status != STATUS_OK) {
        journal_destroy(journal);
        journal = NULL;
    }
    *created = journal;
    return status;
}

void journal_destroy(struct journal *journal)
{
    if (journal == NULL) {
        return;
    }
    if (journal->file >= 0) {
        close(journal->file);
    }
    free(journal->path);
    free(journal);
}

/* "name": value, with nine digits; JSON has no infinities, so those become null. */
static int add_number(char *line, size_t size, int used, const char *name, double value)
{
    size_t room = size - (size_t)used;
    int added = isfinite(value) ? snprintf(line + used, room, ", \"%s\": %.9g", name, value)
                                : snprintf(line + used, room, ", \"%s\": null", name);
    return used + added;
}

static enum status write_line(struct journal *journal, const char *line, int length)
{
    off_t end = lseek(journal->file, 0, SEEK_END);
    ssize_t written = write(journal->file, line, (size_t)length);
    if (written == length) {
        return STATUS_OK;
    }
    enum status status = failed(journal, "a line cannot be written");
    if (end >= 0 && ftruncate(journal->file, end) != 0) { /* half a line would spoil the next one */
        status = failed(journal, "a line cannot be taken back");
    }
    return status;
}

enum status journal_write_step(struct journal *journal, const struct journal_step *entry)
{
    char line[512];
    int used = snprintf(line, sizeof line, "{\"step\": %" PRId64 ", \"epoch\": %" PRId64, entry->step, entry->epoch);
    used = add_number(line, sizeof line, used, "loss", entry->loss);
    used = add_number(line, sizeof line, used, "learning_rate", entry->learning_rate);
    used = add_number(line, sizeof line, used, "gradient_norm", entry->gradient_norm);
    used = add_number(line, sizeof line, used, "samples_per_second", round(entry->samples_per_second * 10) / 10);
    used += snprintf(line + used, sizeof line - (size_t)used, "}\n");
    return write_line(journal, line, used);
}

enum status journal_write_evaluation(struct journal *journal, const struct journal_evaluation *entry)
{
    char line[512];
    int used = snprintf(line, sizeof line, "{\"step\": %" PRId64 ", \"epoch\": %" PRId64, entry->step, entry->epoch);
    used = add_number(line, sizeof line, used, "test_loss", entry->loss);
    if (entry->classifies) {
        used = add_number(line, sizeof line, used, "test_accuracy", entry->accuracy);
    }
    if (entry->regresses) {
        used = add_number(line, sizeof line, used, "test_mae", entry->mae);
        used = add_number(line, sizeof line, used, "test_rmse", entry->rmse);
        used = add_number(line, sizeof line, used, "test_r2", entry->r2);
    }
    used += snprintf(line + used, sizeof line - (size_t)used, "}\n");
    return write_line(journal, line, used);
}

enum status journal_sync(struct journal *journal)
{
    return fdatasync(journal->file) == 0 ? STATUS_OK : failed(journal, "cannot be brought to the disk");
}
