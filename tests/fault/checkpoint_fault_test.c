/* Checkpoints under fire: flipped bits, cut and grown files, killed writers, full disks. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "checkpoints/image.h"
#include "checkpoints/seal.h"
#include "checkpoints/store.h"
#include "tests/sample_checkpoint.h"

/* A checkpoint on the disk, open for damage. */
struct victim {
    char *folder;
    char *path;
    struct image image; /* the undamaged bytes */
    int file;
};

static void victim_init(struct victim *victim, int64_t extra)
{
    struct checkpoint *checkpoint = NULL;
    *victim = (struct victim){0};
    assert_ok(make_test_folder(&victim->folder));
    assert_ok(memory_format(&victim->path, "%s/checkpoint.h5", victim->folder));
    assert_ok(sample_checkpoint(42, extra, &checkpoint));
    assert_ok(image_write(&victim->image, checkpoint));
    assert_ok(write_test_file(victim->path, victim->image.data, victim->image.length));
    checkpoint_destroy(checkpoint);
    victim->file = open(victim->path, O_RDWR | O_CLOEXEC);
    assert_true(victim->file >= 0);
}

/* Ends with a proof that the file, restored, still loads: so it was the damage that was refused. */
static void victim_release(struct victim *victim)
{
    struct checkpoint *loaded = NULL;
    assert_ok(checkpoint_load(victim->path, &loaded));
    checkpoint_destroy(loaded);
    close(victim->file);
    image_release(&victim->image);
    free(victim->path);
    remove_test_folder(victim->folder);
}

static void assert_detected(const struct victim *victim, const char *damage, size_t where)
{
    struct checkpoint *loaded = NULL;
    enum status status = checkpoint_load(victim->path, &loaded);
    /* Without its first bytes, or next to nothing of it, a file may as well be of another kind. */
    bool unrecognisable = status == STATUS_BAD_INPUT && where <= SEAL_SIZE;
    if ((status != STATUS_CORRUPT && !unrecognisable) || loaded != NULL) {
        fail_msg("%s at byte %zu: status %d instead of corrupt", damage, where, (int)status);
    }
}

static void put_byte(const struct victim *victim, size_t where, uint8_t byte)
{
    assert_int_equal(pwrite(victim->file, &byte, 1, (off_t)where), 1);
}

static void every_flipped_bit_is_detected(void **state)
{
    (void)state;
    struct victim victim;
    victim_init(&victim, 10);
    assert_true(victim.image.length < 64 * 1024);
    for (size_t i = 0; i < victim.image.length; i++) {
        for (int bit = 0; bit <= 8; bit++) {
            uint8_t mask = (uint8_t)(bit < 8 ? 1 << bit : 0xFF);
            put_byte(&victim, i, (uint8_t)(victim.image.data[i] ^ mask));
            assert_detected(&victim, "flip", i);
        }
        put_byte(&victim, i, victim.image.data[i]);
    }
    victim_release(&victim);
}

static void random_flips_in_a_larger_file_are_detected(void **state)
{
    (void)state;
    struct victim victim;
    struct random random;
    victim_init(&victim, 300000);
    random_init(&random, 1, RANDOM_DATA, 0);
    for (int i = 0; i < 1000; i++) {
        size_t where = random_below(&random, (uint32_t)victim.image.length);
        put_byte(&victim, where, (uint8_t)(victim.image.data[where] ^ (1 + random_below(&random, 255))));
        assert_detected(&victim, "flip", where);
        put_byte(&victim, where, victim.image.data[where]);
    }
    victim_release(&victim);
}

static void every_truncation_is_detected(void **state)
{
    (void)state;
    struct victim victim;
    victim_init(&victim, 10);
    for (size_t length = victim.image.length - 1; length > 0; length = (length - 1) / 64 * 64) {
        assert_int_equal(ftruncate(victim.file, (off_t)length), 0);
        assert_detected(&victim, "cut", length);
    }
    assert_int_equal(ftruncate(victim.file, 0), 0);
    assert_detected(&victim, "cut", 0);
    assert_ok(write_test_file(victim.path, victim.image.data, victim.image.length));
    victim_release(&victim);
}

/* A tail that was never written: the length is right, and the bytes are zero as after a crash of the machine. */
static void every_unwritten_tail_is_detected(void **state)
{
    (void)state;
    struct victim victim;
    victim_init(&victim, 10);
    off_t whole = (off_t)victim.image.length;
    size_t last = victim.image.length - 1; /* of the bytes that are not zero: below it a tail is a change */
    while (victim.image.data[last] == 0) {
        last--;
    }
    for (size_t length = last; length > 0; length = (length - 1) / 64 * 64) {
        assert_int_equal(ftruncate(victim.file, (off_t)length), 0);
        assert_int_equal(ftruncate(victim.file, whole), 0);
        assert_detected(&victim, "zeros", length);
    }
    assert_ok(write_test_file(victim.path, victim.image.data, victim.image.length));
    victim_release(&victim);
}

static void appended_bytes_are_detected(void **state)
{
    (void)state;
    struct victim victim;
    victim_init(&victim, 10);
    static const size_t counts[] = {1, 2, 63, 64, 512, 4096};
    static const uint8_t zeros[4096] = {0};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        const uint8_t *sources[] = {zeros, victim.image.data};
        for (size_t s = 0; s < COUNT_OF(sources); s++) {
            ssize_t count = (ssize_t)counts[i];
            assert_int_equal(pwrite(victim.file, sources[s], counts[i], (off_t)victim.image.length), count);
            assert_detected(&victim, "append", counts[i]);
            assert_int_equal(ftruncate(victim.file, (off_t)victim.image.length), 0);
        }
    }
    victim_release(&victim);
}

enum { KILLED_WRITERS = 50, KILLED_EXTRA = 60000 };

/* Goes on from the newest checkpoint, saves for ever, and tells each committed step through the pipe. */
static void write_until_killed(const char *folder, int pipe)
{
    struct store *store = NULL;
    struct checkpoint *checkpoint = NULL;
    int64_t step = 0;
    enum status status = store_load_newest(folder, NULL, NULL, &checkpoint, NULL);
    if (status == STATUS_OK) {
        step = checkpoint->step;
        checkpoint_destroy(checkpoint);
    } else if (status != STATUS_NOT_FOUND) {
        return;
    }
    if (store_create(&(struct store_params){.folder = folder, .keep = 2}, &store) != STATUS_OK) {
        return;
    }
    for (;;) {
        step++;
        if (sample_checkpoint(step, KILLED_EXTRA, &checkpoint) != STATUS_OK ||
            store_save(store, checkpoint, step % 3 == 0) != STATUS_OK ||
            write(pipe, &step, sizeof step) != sizeof step) {
            return;
        }
        checkpoint_destroy(checkpoint);
    }
}

/* Starts a writer, kills it after `delay` microseconds, and returns the last step that it told, or `before`. */
static int64_t kill_a_writer(const char *folder, uint32_t delay, int64_t before)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        write_until_killed(folder, ends[1]);
        fprintf(stderr, "the writer failed: %s\n", status_message());
        _exit(1);
    }
    close(ends[1]);
    usleep(delay);
    assert_int_equal(kill(writer, SIGKILL), 0);
    int how = 0;
    assert_int_equal(waitpid(writer, &how, 0), writer);
    assert_true(WIFSIGNALED(how));
    int64_t committed = before, step;
    while (read(ends[0], &step, sizeof step) == sizeof step) {
        committed = step;
    }
    close(ends[0]);
    return committed;
}

/* The newest loads without a file skipped, with the content of its step; returns the step, 0 where there is none. */
static int64_t newest_step(const char *folder)
{
    struct checkpoint *loaded = NULL, *expected = NULL;
    enum status status = store_load_newest(folder, NULL, NULL, &loaded, NULL);
    if (status == STATUS_NOT_FOUND) {
        return 0;
    }
    assert_ok(status);
    assert_ok(sample_checkpoint(loaded->step, KILLED_EXTRA, &expected));
    assert_true(same_checkpoint(loaded, expected));
    int64_t step = loaded->step;
    checkpoint_destroy(loaded);
    checkpoint_destroy(expected);
    return step;
}

static void assert_best_is_whole(const char *folder)
{
    char *path = NULL;
    struct checkpoint *best = NULL;
    if (store_find_best(folder, &path) == STATUS_OK) {
        assert_ok(checkpoint_load(path, &best));
        assert_int_equal(best->step % 3, 0);
        checkpoint_destroy(best);
        free(path);
    }
}

static void killed_writers_leave_the_last_commit(void **state)
{
    (void)state;
    char *folder = NULL;
    struct random random;
    int64_t committed = 0;
    assert_ok(make_test_folder(&folder));
    random_init(&random, 2, RANDOM_DATA, 0);
    for (int i = 0; i < KILLED_WRITERS; i++) {
        committed = kill_a_writer(folder, random_below(&random, 40000), committed);
        int64_t newest = newest_step(folder);
        /* A save that was killed between its rename and its return counts as well. */
        assert_in_range(newest, committed, committed + 1);
        assert_best_is_whole(folder);
        committed = newest;
    }
    assert_true(committed > 0);
    remove_test_folder(folder);
}

/* What the disk does at the next fsync of a file: the linker puts this program's fsync in place of the system's. */
static enum { DISK_SOUND, DISK_REFUSES, DISK_LIES } disk = DISK_SOUND;

int __real_fsync(int file);
int __wrap_fsync(int file);

int __wrap_fsync(int file)
{
    struct stat about;
    if (disk == DISK_SOUND || fstat(file, &about) != 0 || !S_ISREG(about.st_mode)) {
        return __real_fsync(file);
    }
    if (disk == DISK_REFUSES) {
        errno = EIO;
        return -1;
    }
    uint8_t byte = 0;
    if (pread(file, &byte, 1, about.st_size / 2) != 1) {
        return -1;
    }
    byte ^= 0x10;
    return pwrite(file, &byte, 1, about.st_size / 2) == 1 ? 0 : -1;
}

static void assert_absent(const char *folder, const char *name)
{
    char *path = NULL;
    assert_ok(memory_format(&path, "%s/%s", folder, name));
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

/* Saves a small checkpoint, then one that cannot be stored between `begin` and `end`, then a small one again. */
static void save_and_fail(const char *folder, void (*begin)(void), void (*end)(void), const char *reason)
{
    struct store *store = NULL;
    struct checkpoint *small = NULL, *large = NULL, *loaded = NULL;
    assert_ok(sample_checkpoint(1, 10, &small));
    assert_ok(sample_checkpoint(2, 1000000, &large));
    assert_ok(store_create(&(struct store_params){.folder = folder, .keep = 2}, &store));
    assert_ok(store_save(store, small, true));
    begin();
    enum status status = store_save(store, large, true);
    end();
    assert_int_equal(status, STATUS_FAILED);
    struct image image = {0};
    char needed[32];
    assert_non_null(strstr(status_message(), reason));
    assert_ok(image_write(&image, large));
    snprintf(needed, sizeof needed, "%zu bytes", image.length);
    image_release(&image);
    assert_non_null(strstr(status_message(), needed));
    assert_absent(folder, "step-00000002.h5");
    assert_absent(folder, "step-00000002.h5.tmp");
    assert_absent(folder, "best.h5.tmp");
    assert_ok(store_load_newest(folder, NULL, NULL, &loaded, NULL));
    assert_true(same_checkpoint(small, loaded));
    checkpoint_destroy(loaded);
    small->step = 2;
    assert_ok(store_save(store, small, false));
    checkpoint_destroy(small);
    checkpoint_destroy(large);
    store_destroy(store);
}

static void refuse_to_sync(void)
{
    disk = DISK_REFUSES;
}

static void store_other_bytes(void)
{
    disk = DISK_LIES;
}

static void behave(void)
{
    disk = DISK_SOUND;
}

static void a_disk_that_fails_or_lies_is_reported(void **state)
{
    (void)state;
    char *folder = NULL;
    assert_ok(make_test_folder(&folder));
    save_and_fail(folder, refuse_to_sync, behave, "Input/output error");
    remove_test_folder(folder);
    assert_ok(make_test_folder(&folder));
    save_and_fail(folder, store_other_bytes, behave, "what was read back differs");
    remove_test_folder(folder);
}

static void limit_files(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void do_not_limit_files(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_limit_on_file_sizes_is_reported(void **state)
{
    (void)state;
    char *folder = NULL;
    assert_ok(make_test_folder(&folder));
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    save_and_fail(folder, limit_files, do_not_limit_files, "ulimit -f");
    remove_test_folder(folder);
}

#ifndef __SANITIZE_ADDRESS__ /* the sanitizer needs more address space than any limit leaves */
static void limit_memory(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pages), 1);
    fclose(file);
    limit.rlim_cur = (rlim_t)(pages * sysconf(_SC_PAGESIZE)) + (2 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}

static void do_not_limit_memory(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
}
#endif

/* A save that found no memory leaves nothing behind that stops the next one. */
static void a_refusal_of_memory_is_reported(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#else
    char *folder = NULL;
    struct store *store = NULL;
    struct checkpoint *large = NULL, *loaded = NULL;
    assert_ok(make_test_folder(&folder));
    assert_ok(sample_checkpoint(2, 5000000, &large));
    assert_ok(store_create(&(struct store_params){.folder = folder, .keep = 2}, &store));
    limit_memory();
    enum status status = store_save(store, large, true);
    do_not_limit_memory();
    assert_int_equal(status, STATUS_NO_MEMORY);
    assert_ok(store_save(store, large, true));
    assert_ok(store_load_newest(folder, NULL, NULL, &loaded, NULL));
    assert_true(same_checkpoint(large, loaded));
    checkpoint_destroy(loaded);
    checkpoint_destroy(large);
    store_destroy(store);
    remove_test_folder(folder);
#endif
}

static void nothing(void)
{
}

static bool write_map(const char *path, unsigned id)
{
    char map[32];
    int length = snprintf(map, sizeof map, "%u %u 1", id, id);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool written = file >= 0 && write(file, map, (size_t)length) == length;
    return file >= 0 && close(file) == 0 && written;
}

/* Mounts seen by this process alone: as root, or as anybody where the system lets users have namespaces. */
static bool enter_mount_namespace(void)
{
    uid_t user = geteuid();
    gid_t group = getegid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || !write_map("/proc/self/uid_map", user)) {
            return false;
        }
        int file = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
        bool denied = file >= 0 && write(file, "deny", 4) == 4;
        if (file >= 0) {
            close(file);
        }
        if (!denied || !write_map("/proc/self/gid_map", group)) {
            return false;
        }
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* The last test: it changes what this process sees of the file system. */
static void a_full_disk_is_reported(void **state)
{
    (void)state;
    char *folder = NULL;
    assert_ok(make_test_folder(&folder));
    if (!enter_mount_namespace() || mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0) {
        print_message("skipped: this user may not mount a small file system\n");
        remove_test_folder(folder);
        skip();
    }
    save_and_fail(folder, nothing, nothing, "the disk is full");
    assert_int_equal(umount(folder), 0);
    remove_test_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_detected),
        cmocka_unit_test(random_flips_in_a_larger_file_are_detected),
        cmocka_unit_test(every_truncation_is_detected),
        cmocka_unit_test(every_unwritten_tail_is_detected),
        cmocka_unit_test(appended_bytes_are_detected),
        cmocka_unit_test(killed_writers_leave_the_last_commit),
        cmocka_unit_test(a_disk_that_fails_or_lies_is_reported),
        cmocka_unit_test(a_limit_on_file_sizes_is_reported),
        cmocka_unit_test(a_refusal_of_memory_is_reported),
        cmocka_unit_test(a_full_disk_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
