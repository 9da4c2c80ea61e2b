/* A folder of checkpoints: what is kept, what is found, and what a broken file or a killed writer leaves. */
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "checkpoints/store.h"
#include "tests/sample_checkpoint.h"

static int make_folder(void **state)
{
    char *folder = NULL;
    assert_ok(make_test_folder(&folder));
    *state = folder;
    return 0;
}

static int remove_folder(void **state)
{
    remove_test_folder(*state);
    return 0;
}

static struct store *open_store(const char *folder, int keep)
{
    struct store *store = NULL;
    assert_ok(store_create(&(struct store_params){.folder = folder, .keep = keep}, &store));
    return store;
}

static void save(struct store *store, int64_t step, bool best)
{
    struct checkpoint *checkpoint = NULL;
    assert_ok(sample_checkpoint(step, 100, &checkpoint));
    assert_ok(store_save(store, checkpoint, best));
    checkpoint_destroy(checkpoint);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* The names in the folder, sorted, each with a space behind it. */
static void assert_names(const char *folder, const char *expected)
{
    struct dirent **entries = NULL;
    struct text names = {0};
    int count = scandir(folder, &entries, NULL, by_name);
    assert_true(count >= 2);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.') {
            assert_ok(text_add(&names, "%s ", entries[i]->d_name));
        }
        free(entries[i]);
    }
    free(entries);
    assert_string_equal(text_get(&names), expected);
    text_release(&names);
}

static void assert_holds(const char *path, int64_t step)
{
    struct checkpoint *expected = NULL, *loaded = NULL;
    assert_ok(sample_checkpoint(step, 100, &expected));
    assert_ok(checkpoint_load(path, &loaded));
    assert_true(same_checkpoint(expected, loaded));
    checkpoint_destroy(expected);
    checkpoint_destroy(loaded);
}

static void assert_best(const char *folder, int64_t step)
{
    char *path = NULL;
    assert_ok(store_find_best(folder, &path));
    assert_holds(path, step);
    free(path);
}

/* What store_load_newest() reported. */
struct report {
    int count;
    char last[4096];
};

static void remember(const char *path, const char *reason, void *context)
{
    struct report *report = context;
    report->count++;
    snprintf(report->last, sizeof report->last, "%s: %s", path, reason);
}

static void assert_newest(const char *folder, int64_t step, const char *name, int skipped)
{
    struct checkpoint *loaded = NULL;
    char *path = NULL;
    struct report report = {0};
    assert_ok(store_load_newest(folder, remember, &report, &loaded, &path));
    assert_int_equal(loaded->step, step);
    assert_string_equal(strrchr(path, '/') + 1, name);
    assert_int_equal(report.count, skipped);
    assert_holds(path, step);
    free(path);
    checkpoint_destroy(loaded);
}

static void touch(const char *folder, const char *name, const char *content)
{
    char *path = NULL;
    assert_ok(memory_format(&path, "%s/%s", folder, name));
    assert_ok(write_test_file(path, content, strlen(content)));
    free(path);
}

/* Changes one byte in the middle of a file. */
static void damage(const char *folder, const char *name)
{
    char *path = NULL;
    assert_ok(memory_format(&path, "%s/%s", folder, name));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, 5000, SEEK_SET), 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void the_newest_is_loaded(void **state)
{
    const char *folder = *state;
    struct checkpoint *loaded = NULL;
    char *path = NULL;
    assert_int_equal(store_load_newest(folder, NULL, NULL, &loaded, &path), STATUS_NOT_FOUND);
    assert_null(path);
    struct store *store = open_store(folder, 9);
    save(store, 9, false);
    save(store, 10, false);
    save(store, 123456789, false); /* more digits than the name has by default */
    assert_names(folder, "step-00000009.h5 step-00000010.h5 step-123456789.h5 ");
    assert_newest(folder, 123456789, "step-123456789.h5", 0);
    store_destroy(store);
    assert_ok(store_load_newest(folder, NULL, NULL, &loaded, NULL));
    checkpoint_destroy(loaded);
}

static void the_newest_and_the_best_are_kept(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 2);
    char *path = NULL;
    save(store, 1, false);
    assert_int_equal(store_find_best(folder, &path), STATUS_NOT_FOUND);
    save(store, 2, true);
    assert_best(folder, 2);
    save(store, 3, false);
    save(store, 4, false);
    save(store, 5, false);
    assert_names(folder, "best.h5 step-00000004.h5 step-00000005.h5 ");
    assert_best(folder, 2);
    save(store, 6, true);
    assert_names(folder, "best.h5 step-00000005.h5 step-00000006.h5 ");
    assert_best(folder, 6);
    struct stat best, newest;
    assert_ok(memory_format(&path, "%s/best.h5", folder));
    assert_int_equal(stat(path, &best), 0);
    free(path);
    assert_ok(memory_format(&path, "%s/step-00000006.h5", folder));
    assert_int_equal(stat(path, &newest), 0);
    free(path);
    assert_true(best.st_ino == newest.st_ino); /* kept once on the disk */
    store_destroy(store);
}

static void a_step_may_be_saved_again(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 2);
    save(store, 5, false);
    save(store, 5, true);
    save(store, 5, true);
    assert_names(folder, "best.h5 step-00000005.h5 ");
    assert_newest(folder, 5, "step-00000005.h5", 0);
    assert_best(folder, 5);
    store_destroy(store);
}

/* A run that was resumed at an older checkpoint: its saves are newer than those of the steps it gave up. */
static void a_run_that_went_back_leaves_later_steps(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 3);
    save(store, 10, false);
    save(store, 20, true);
    save(store, 30, false);
    save(store, 15, false);
    assert_names(folder, "best.h5 step-00000010.h5 step-00000015.h5 ");
    assert_newest(folder, 15, "step-00000015.h5", 0);
    store_destroy(store);
}

static void a_damaged_newest_is_passed_over(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 3);
    save(store, 1, true);
    save(store, 2, false);
    save(store, 3, false);
    damage(folder, "step-00000003.h5");
    assert_newest(folder, 2, "step-00000002.h5", 1);
    struct checkpoint *loaded = NULL;
    struct report report = {0};
    damage(folder, "step-00000002.h5");
    assert_ok(store_load_newest(folder, remember, &report, &loaded, NULL));
    assert_int_equal(loaded->step, 1);
    checkpoint_destroy(loaded);
    assert_non_null(strstr(report.last, "step-00000002.h5: "));
    assert_non_null(strstr(report.last, "does not match its SHA-256"));
    store_destroy(store);
}

static void the_best_is_the_last_resort(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 1);
    save(store, 1, true);
    save(store, 2, false);
    damage(folder, "step-00000002.h5");
    assert_newest(folder, 1, "best.h5", 1);
    damage(folder, "best.h5");
    struct checkpoint *loaded = NULL;
    struct report report = {0};
    assert_int_equal(store_load_newest(folder, remember, &report, &loaded, NULL), STATUS_CORRUPT);
    assert_null(loaded);
    assert_int_equal(report.count, 2);
    store_destroy(store);
}

/* While a reader is at the damaged newest, the run saves twice, and prunes all that the reader had listed. */
static void save_meanwhile(const char *path, const char *reason, void *context)
{
    (void)reason;
    struct store *store = context;
    if (strstr(path, "step-00000002.h5") != NULL) {
        save(store, 3, false);
        save(store, 4, false);
    }
}

static void a_reader_keeps_up_with_a_run_that_saves(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 2);
    struct checkpoint *loaded = NULL;
    save(store, 1, false);
    save(store, 2, false);
    damage(folder, "step-00000002.h5");
    assert_ok(store_load_newest(folder, save_meanwhile, store, &loaded, NULL));
    assert_int_equal(loaded->step, 4);
    checkpoint_destroy(loaded);
    store_destroy(store);
}

/* A stale best.h5.tmp, a half-written file, and files that only look like ours. */
static void leftovers_are_ignored_and_removed(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 2);
    save(store, 4, true);
    store_destroy(store);
    touch(folder, "step-00000005.h5.tmp", "half");
    touch(folder, "best.h5.tmp", "half");
    touch(folder, "notes.tmp", "mine");
    touch(folder, "step-6.h5", "not a name of ours");
    touch(folder, "step-00000007.h5.tmp.bak", "mine");
    touch(folder, "step-00000005.h5.copy", "counts as no checkpoint of step 5");
    assert_newest(folder, 4, "step-00000004.h5", 0);
    store = open_store(folder, 2);
    assert_names(folder,
                 "best.h5 notes.tmp step-00000004.h5 step-00000005.h5.copy step-00000007.h5.tmp.bak step-6.h5 ");
    save(store, 5, true);
    assert_newest(folder, 5, "step-00000005.h5", 0);
    assert_names(folder, "best.h5 notes.tmp step-00000004.h5 step-00000005.h5 step-00000005.h5.copy "
                         "step-00000007.h5.tmp.bak step-6.h5 ");
    store_destroy(store);
}

static void a_store_makes_its_folder_and_refuses_what_cannot_work(void **state)
{
    const char *folder = *state;
    char *deep = NULL;
    struct store *store = NULL, *second = NULL;
    assert_ok(memory_format(&deep, "%s/runs/name//checkpoints/", folder));
    store = open_store(deep, 1);
    save(store, 1, false);
    assert_newest(deep, 1, "step-00000001.h5", 0);

    struct store_params params = {.folder = deep, .keep = 1};
    assert_int_equal(store_create(&params, &second), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "another run"));
    store_destroy(store);
    assert_ok(store_create(&params, &store));
    store_destroy(store);
    free(deep);

    params = (struct store_params){.folder = folder, .keep = 0};
    assert_int_equal(store_create(&params, &store), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "checkpoint.keep"));
    params = (struct store_params){.folder = "", .keep = 1};
    assert_int_equal(store_create(&params, &store), STATUS_BAD_INPUT);
    touch(folder, "file", "content");
    assert_ok(memory_format(&deep, "%s/file/below", folder));
    params.folder = deep;
    assert_int_equal(store_create(&params, &store), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "is a file, not a folder"));
    free(deep);
}

static void a_save_that_cannot_be_leaves_the_older_ones(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 2);
    struct checkpoint *checkpoint = NULL;
    save(store, 1, true);
    assert_ok(sample_checkpoint(2, 100, &checkpoint));
    checkpoint->arrays[3].rank = ARRAY_MAX_RANK + 1;
    assert_int_equal(store_save(store, checkpoint, true), STATUS_BAD_INPUT);
    assert_non_null(strstr(status_message(), "step-00000002.h5 was not saved: "));
    checkpoint->arrays[3].rank = ARRAY_MAX_RANK;
    checkpoint_destroy(checkpoint);

    /* Something else has the name of the file under way: nothing of it is touched. */
    touch(folder, "step-00000003.h5.tmp", "another's");
    assert_ok(sample_checkpoint(3, 100, &checkpoint));
    assert_int_equal(store_save(store, checkpoint, true), STATUS_FAILED);
    checkpoint_destroy(checkpoint);
    assert_names(folder, "best.h5 step-00000001.h5 step-00000003.h5.tmp ");
    assert_newest(folder, 1, "step-00000001.h5", 0);
    assert_best(folder, 1);
    store_destroy(store);
}

/* A name that the save needs is taken by a folder, so that the rename to it fails. */
static void a_failed_rename_removes_the_temporary_file(void **state)
{
    const char *folder = *state;
    static const struct {
        const char *taken;
        const char *names;
        int skipped;
    } cases[] = {
        {"step-00000002.h5", "step-00000001.h5 step-00000002.h5 ", 1},
        {"best.h5", "best.h5 step-00000001.h5 ", 0},
    };
    struct store *store = open_store(folder, 2);
    struct checkpoint *checkpoint = NULL;
    save(store, 1, false);
    assert_ok(sample_checkpoint(2, 100, &checkpoint));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *path = NULL;
        assert_ok(memory_format(&path, "%s/%s", folder, cases[i].taken));
        assert_int_equal(mkdir(path, 0777), 0);
        assert_int_equal(store_save(store, checkpoint, i == 1), STATUS_FAILED);
        assert_non_null(strstr(status_message(), "cannot be renamed"));
        assert_names(folder, cases[i].names);
        assert_newest(folder, 1, "step-00000001.h5", cases[i].skipped);
        assert_int_equal(rmdir(path), 0);
        free(path);
    }
    checkpoint_destroy(checkpoint);
    store_destroy(store);
}

#ifndef __SANITIZE_ADDRESS__
static long resident_pages(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &total, &resident), 2);
    fclose(file);
    return resident;
}
#endif

static void saves_after_a_reserve_take_no_more_memory(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    (void)state;
    skip(); /* the sanitizer keeps freed memory */
#else
    enum { EXTRA = 2000000, SAVES = 12 };
    const char *folder = *state;
    struct store *store = open_store(folder, 1);
    struct checkpoint *checkpoint = NULL;
    assert_ok(sample_checkpoint(1, EXTRA, &checkpoint));
    long before = resident_pages();
    assert_ok(store_reserve(store, checkpoint));
    long reserved = resident_pages();
    assert_true((reserved - before) * sysconf(_SC_PAGESIZE) >= (long)(EXTRA * sizeof(float)));
    for (int i = 1; i <= SAVES; i++) {
        checkpoint->step = i;
        assert_ok(store_save(store, checkpoint, i % 5 == 0));
    }
    assert_true((resident_pages() - reserved) * sysconf(_SC_PAGESIZE) < 2L << 20);
    checkpoint_destroy(checkpoint);
    store_destroy(store);
#endif
}

static void a_save_may_be_larger_than_what_was_reserved(void **state)
{
    const char *folder = *state;
    struct store *store = open_store(folder, 1);
    struct checkpoint *small = NULL, *large = NULL, *loaded = NULL;
    assert_ok(sample_checkpoint(1, 10, &small));
    assert_ok(sample_checkpoint(2, 1000000, &large));
    assert_ok(store_reserve(store, small));
    assert_ok(store_save(store, large, false));
    assert_ok(store_load_newest(folder, NULL, NULL, &loaded, NULL));
    assert_true(same_checkpoint(large, loaded));
    checkpoint_destroy(small);
    checkpoint_destroy(large);
    checkpoint_destroy(loaded);
    store_destroy(store);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_newest_is_loaded),
        IN_FOLDER(the_newest_and_the_best_are_kept),
        IN_FOLDER(a_step_may_be_saved_again),
        IN_FOLDER(a_run_that_went_back_leaves_later_steps),
        IN_FOLDER(a_damaged_newest_is_passed_over),
        IN_FOLDER(the_best_is_the_last_resort),
        IN_FOLDER(a_reader_keeps_up_with_a_run_that_saves),
        IN_FOLDER(leftovers_are_ignored_and_removed),
        IN_FOLDER(a_store_makes_its_folder_and_refuses_what_cannot_work),
        IN_FOLDER(a_save_that_cannot_be_leaves_the_older_ones),
        IN_FOLDER(a_failed_rename_removes_the_temporary_file),
        IN_FOLDER(saves_after_a_reserve_take_no_more_memory),
        IN_FOLDER(a_save_may_be_larger_than_what_was_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
