/*
 * comm_agree(): all ranks compare a digest of their fields, and only where digests differ do the texts travel. Every
 * rank then has the same texts and writes the same message.
 */
#include "cluster/comm.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* Where many ranks differ, the first few say enough. */
enum { VALUES_SHOWN = 8, RANKS_SHOWN = 8 };

/* The fields as one text: "field = value" and a '\0' each. */
static enum status join_fields(const struct agreement *fields, size_t count, char **joined, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        *size += strlen(fields[i].field) + strlen(" = ") + strlen(fields[i].value) + 1;
    }
    TRY(memory_allocate(*size + 1, 1, joined)); /* + 1: room where there is no field */
    char *next = *joined;
    for (size_t i = 0; i < count; i++) {
        next = stpcpy(stpcpy(stpcpy(next, fields[i].field), " = "), fields[i].value) + 1;
    }
    return STATUS_OK;
}

static enum status digests_agree(struct comm *comm, const char *joined, size_t size, bool *agree)
{
    int ranks = comm_size(comm);
    int64_t *sizes = NULL;
    uint8_t *digests = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)ranks, sizeof *sizes, &sizes));
    TRY_OUT(memory_allocate((size_t)ranks, DIGEST_SIZE, &digests));
    for (int r = 0; r < ranks; r++) {
        sizes[r] = DIGEST_SIZE;
    }
    uint8_t mine[DIGEST_SIZE];
    TRY_OUT(digest_of(joined, size, mine));
    TRY_OUT(comm_gather_all(comm, mine, sizes, digests));
    *agree = true;
    for (int r = 0; r < ranks; r++) {
        *agree = *agree && memcmp(digests + (size_t)r * DIGEST_SIZE, mine, DIGEST_SIZE) == 0;
    }
out:
    free(digests);
    free(sizes);
    return status;
}

/* One rank's fields, read from the left. */
struct reader {
    const char *next, *end;
};

/* The field that is next, or NULL behind the last. */
static const char *current(const struct reader *reader)
{
    return reader->next < reader->end ? reader->next : NULL;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* "rank 2 has " or "ranks 0, 1, 3 have ": those whose current field is that of rank `first`. */
static enum status add_holders(struct text *text, const struct reader *readers, int ranks, int first)
{
    int holders = 1;
    for (int r = first + 1; r < ranks; r++) {
        holders += same(current(&readers[r]), current(&readers[first]));
    }
    TRY(text_add(text, holders == 1 ? "rank %d" : "ranks %d", first));
    int shown = 1;
    for (int r = first + 1; r < ranks && shown < RANKS_SHOWN; r++) {
        if (same(current(&readers[r]), current(&readers[first]))) {
            TRY(text_add(text, ", %d", r));
            shown++;
        }
    }
    if (shown < holders) {
        TRY(text_add(text, " and %d more", holders - shown));
    }
    return text_add(text, holders == 1 ? " has " : " have ");
}

static enum status describe(struct text *text, const struct reader *readers, int ranks)
{
    int shown = 0;
    for (int r = 0; r < ranks; r++) {
        bool seen = false;
        for (int earlier = 0; earlier < r && !seen; earlier++) {
            seen = same(current(&readers[earlier]), current(&readers[r]));
        }
        if (seen) {
            continue;
        }
        if (shown++ == VALUES_SHOWN) {
            return text_add(text, "; others have yet other values");
        }
        if (shown > 1) {
            TRY(text_add(text, "; "));
        }
        TRY(add_holders(text, readers, ranks, r));
        const char *field = current(&readers[r]);
        TRY(text_add(text, "%s", field != NULL ? field : "no further field"));
    }
    return STATUS_OK;
}

static bool all_same(const struct reader *readers, int ranks)
{
    for (int r = 1; r < ranks; r++) {
        if (!same(current(&readers[0]), current(&readers[r]))) {
            return false;
        }
    }
    return true;
}

/* Finds the first difference. Digests differed, so there is one. */
static enum status report(struct reader *readers, int ranks)
{
    while (all_same(readers, ranks)) {
        for (int r = 0; r < ranks; r++) {
            readers[r].next += strlen(readers[r].next) + 1;
        }
    }
    struct text text = {0};
    enum status status = describe(&text, readers, ranks);
    if (status == STATUS_OK) {
        status = fail(STATUS_BAD_INPUT,
                      "the ranks differ: %s. Start all ranks with the same program, configuration and data",
                      text_get(&text));
    }
    text_release(&text);
    return status;
}

static enum status compare_texts(struct comm *comm, const char *joined, size_t size)
{
    int ranks = comm_size(comm);
    int64_t *sizes = NULL;
    int64_t *lengths = NULL;
    struct reader *readers = NULL;
    char *all = NULL;
    enum status status = STATUS_OK;
    TRY_OUT(memory_allocate((size_t)ranks, sizeof *sizes, &sizes));
    TRY_OUT(memory_allocate((size_t)ranks, sizeof *lengths, &lengths));
    TRY_OUT(memory_allocate((size_t)ranks, sizeof *readers, &readers));
    for (int r = 0; r < ranks; r++) {
        sizes[r] = sizeof *lengths;
    }
    int64_t mine = (int64_t)size;
    TRY_OUT(comm_gather_all(comm, &mine, sizes, lengths));
    size_t total = 0;
    for (int r = 0; r < ranks; r++) {
        total += (size_t)lengths[r];
    }
    TRY_OUT(memory_allocate(total + 1, 1, &all));
    TRY_OUT(comm_gather_all(comm, joined, lengths, all));
    size_t place = 0;
    for (int r = 0; r < ranks; r++) {
        readers[r] = (struct reader){all + place, all + place + lengths[r]};
        place += (size_t)lengths[r];
    }
    status = report(readers, ranks);
out:
    free(all);
    free(readers);
    free(lengths);
    free(sizes);
    return status;
}

enum status comm_agree(struct comm *comm, const struct agreement *fields, size_t count)
{
    char *joined;
    size_t size;
    bool agree;
    if (comm_is_stand_in(comm)) {
        return STATUS_OK;
    }
    TRY(join_fields(fields, count, &joined, &size));
    enum status status = digests_agree(comm, joined, size, &agree);
    if (status == STATUS_OK && !agree) {
        status = compare_texts(comm, joined, size);
    }
    free(joined);
    return status;
}
