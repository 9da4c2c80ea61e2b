#include "compute/tuning_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"

enum { FORMAT = 1, MAX_FILE_SIZE = 1 << 16, ID_TEXT_SIZE = 2 * DEVICE_ID_SIZE + 1 };

static const char *const class_keys[CLASS_COUNT] = {
    [CLASS_CPU] = "cpu", [CLASS_GPU] = "gpu", [CLASS_GPU_MATRIX] = "matrix"};

/* --- where ------------------------------------------------------------------------------------------------------- */

/* The folder of this user's caches: XDG_CACHE_HOME counts where it is absolute. */
static enum status cache_folder(char **folder)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    if (cache != NULL && cache[0] == '/') {
        return memory_format(folder, "%s/lemnos", cache);
    }
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        const struct passwd *user = getpwuid(getuid());
        home = user != NULL ? user->pw_dir : NULL;
    }
    if (home == NULL) {
        return fail(STATUS_NOT_FOUND, "there is no folder to keep a tuning in: set XDG_CACHE_HOME");
    }
    return memory_format(folder, "%s/.cache/lemnos", home);
}

enum status tuning_file_path(const struct device_info *device, enum device_class device_class, char **path)
{
    uint8_t digest[DIGEST_SIZE];
    char name[DIGEST_TEXT_SIZE];
    char *folder;
    *path = NULL;
    TRY(digest_of(device->name, strlen(device->name), digest));
    digest_text(digest, name);
    TRY(cache_folder(&folder));
    enum status status = memory_format(path, "%s/tuning-%04" PRIx32 "-%04" PRIx32 "-%.8s-%s.json", folder,
                                       device->vendor_id, device->device_id, name, class_keys[device_class]);
    free(folder);
    return status;
}

/* --- what it holds for ------------------------------------------------------------------------------------------- */

struct identity {
    char build[ID_TEXT_SIZE]; /* of the driver */
    char kernels[DIGEST_TEXT_SIZE];
};

static enum status identify(const struct device_info *device, struct identity *identity)
{
    for (int i = 0; i < DEVICE_ID_SIZE; i++) {
        snprintf(identity->build + 2 * i, 3, "%02x", device->driver_build[i]);
    }
    struct digest *digest;
    uint8_t result[DIGEST_SIZE];
    TRY(digest_create(&digest));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < kernel_table_count; i++) {
        const struct kernel_code *code = &kernel_table[i];
        TRY_OUT(digest_add(digest, code->name, strlen(code->name) + 1));
        TRY_OUT(digest_add(digest, code->words, code->word_count * sizeof *code->words));
    }
    TRY_OUT(digest_finish(digest, result));
    digest_text(result, identity->kernels);
out:
    digest_destroy(digest);
    return status;
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

static enum status read_text(const char *path, char text[MAX_FILE_SIZE])
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        int error = errno;
        return fail(error == ENOENT ? STATUS_NOT_FOUND : STATUS_CORRUPT, "it cannot be read: %s", strerror(error));
    }
    size_t size = 0;
    ssize_t got = 1;
    while (got > 0 && size < MAX_FILE_SIZE) {
        got = read(file, text + size, MAX_FILE_SIZE - size);
        size += got > 0 ? (size_t)got : 0;
    }
    int error = errno;
    close(file);
    if (got < 0) {
        return fail(STATUS_CORRUPT, "it cannot be read: %s", strerror(error));
    }
    if (size == MAX_FILE_SIZE) {
        return fail(STATUS_CORRUPT, "it is too large to be a tuning");
    }
    text[size] = '\0';
    return STATUS_OK;
}

static enum status check_text(const cJSON *json, const char *key, const char *expected, const char *what)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!cJSON_IsString(item)) {
        return fail(STATUS_CORRUPT, "it does not say %s", key);
    }
    return strcmp(item->valuestring, expected) == 0 ? STATUS_OK : fail(STATUS_CORRUPT, "it is of another %s", what);
}

static enum status check_number(const cJSON *json, const char *key, double expected, const char *what)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (!cJSON_IsNumber(item)) {
        return fail(STATUS_CORRUPT, "it does not say %s", key);
    }
    return item->valuedouble == expected ? STATUS_OK : fail(STATUS_CORRUPT, "it is of another %s", what);
}

static enum status check_identity(const cJSON *json, const struct device_info *device, enum device_class device_class)
{
    struct identity identity;
    TRY(check_number(json, "format", FORMAT, "version of lemnos"));
    TRY(check_text(json, "device", device->name, "device"));
    TRY(check_number(json, "vendor_id", device->vendor_id, "device"));
    TRY(check_number(json, "device_id", device->device_id, "device"));
    TRY(check_text(json, "class", class_keys[device_class], "class of kernels"));
    TRY(identify(device, &identity));
    TRY(check_number(json, "driver_version", device->driver_version, "version of the driver"));
    TRY(check_text(json, "driver_build", identity.build, "version of the driver"));
    return check_text(json, "kernels", identity.kernels, "version of lemnos");
}

static enum status read_fields(const cJSON *fields, enum device_class device_class, struct tuning *tuning)
{
    struct tuning found = *tuning_default(device_class);
    for (int i = 0; i < TUNING_FIELD_COUNT; i++) {
        const struct tuning_field *field = &tuning_fields[i];
        if (!field->classes[device_class]) {
            continue;
        }
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(fields, field->name);
        /* Compared before it is converted: a number of any size may stand there. */
        bool is_candidate = false;
        for (int c = 0; cJSON_IsNumber(item) && c < field->candidate_count; c++) {
            if (item->valuedouble == (double)field->candidates[c]) {
                is_candidate = true;
                tuning_set(&found, i, field->candidates[c]);
            }
        }
        if (!is_candidate) {
            return fail(STATUS_CORRUPT, "%s is not one of the values that it may have", field->name);
        }
    }
    *tuning = found;
    return STATUS_OK;
}

enum status tuning_file_read(const char *path, const struct device_info *device, enum device_class device_class,
                             struct tuning *tuning)
{
    char *text;
    cJSON *json = NULL;
    TRY(memory_allocate(MAX_FILE_SIZE, 1, &text));
    enum status status = STATUS_OK;
    TRY_OUT(read_text(path, text));
    json = cJSON_Parse(text);
    if (!cJSON_IsObject(json)) {
        status = fail(STATUS_CORRUPT, "it is not JSON");
        goto out;
    }
    TRY_OUT(check_identity(json, device, device_class));
    status = read_fields(cJSON_GetObjectItemCaseSensitive(json, "tuning"), device_class, tuning);
out:
    cJSON_Delete(json);
    free(text);
    return status;
}

bool tuning_file_is_off(void)
{
    const char *wish = getenv("LEMNOS_TUNING");
    return wish != NULL && strcmp(wish, "off") == 0;
}

struct tuning tuning_file_find(const struct device_info *device, enum device_class device_class)
{
    struct tuning tuning = *tuning_default(device_class);
    if (tuning_file_is_off()) {
        return tuning;
    }
    char *path;
    enum status status = tuning_file_path(device, device_class, &path);
    if (status == STATUS_OK) {
        status = tuning_file_read(path, device, device_class, &tuning);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        log_info("the tuning in %s is ignored: %s; lemnos bench --tune measures again", path != NULL ? path : "a file",
                 status_message());
    }
    if (status != STATUS_OK) {
        status_clear();
    }
    free(path);
    return tuning;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static enum status print_file(const struct device_info *device, enum device_class device_class,
                              const struct tuning *tuning, char **text)
{
    struct identity identity;
    TRY(identify(device, &identity));
    cJSON *json = cJSON_CreateObject();
    bool made = cJSON_AddNumberToObject(json, "format", FORMAT) != NULL &&
                cJSON_AddStringToObject(json, "device", device->name) != NULL &&
                cJSON_AddNumberToObject(json, "vendor_id", device->vendor_id) != NULL &&
                cJSON_AddNumberToObject(json, "device_id", device->device_id) != NULL &&
                cJSON_AddStringToObject(json, "class", class_keys[device_class]) != NULL &&
                cJSON_AddNumberToObject(json, "driver_version", device->driver_version) != NULL &&
                cJSON_AddStringToObject(json, "driver_build", identity.build) != NULL &&
                cJSON_AddStringToObject(json, "kernels", identity.kernels) != NULL;
    cJSON *fields = made ? cJSON_AddObjectToObject(json, "tuning") : NULL;
    made = fields != NULL;
    for (int i = 0; i < TUNING_FIELD_COUNT && made; i++) {
        if (tuning_fields[i].classes[device_class]) {
            made = cJSON_AddNumberToObject(fields, tuning_fields[i].name, (double)tuning_get(tuning, i)) != NULL;
        }
    }
    *text = made ? cJSON_Print(json) : NULL;
    cJSON_Delete(json);
    return *text != NULL ? STATUS_OK : fail(STATUS_NO_MEMORY, "no memory for the text of a tuning");
}

/* Every folder on the way to the file that is not there yet. */
static enum status make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0700);
        int error = errno;
        *slash = '/';
        if (result != 0 && error != EEXIST) {
            return fail(STATUS_FAILED, "the folder of %s cannot be made: %s", path, strerror(error));
        }
    }
    return STATUS_OK;
}

static bool write_all(int file, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(file, text, size);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        text += wrote > 0 ? wrote : 0;
        size -= wrote > 0 ? (size_t)wrote : 0;
    }
    return fsync(file) == 0;
}

/* The rename itself, on disk. Without it the old file may come back, or none; both are whole. */
static void sync_folder(const char *path)
{
    char *folder;
    if (memory_copy_string(path, &folder) != STATUS_OK) {
        return;
    }
    *strrchr(folder, '/') = '\0';
    int opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened >= 0) {
        (void)fsync(opened);
        close(opened);
    }
    free(folder);
}

static enum status replace_file(const char *path, const char *text)
{
    char *temporary;
    TRY(memory_format(&temporary, "%s.XXXXXX", path));
    enum status status = make_folders(temporary);
    int file = status == STATUS_OK ? mkostemp(temporary, O_CLOEXEC) : -1;
    if (status == STATUS_OK && file < 0) {
        status = fail(STATUS_FAILED, "%s cannot be written: %s", path, strerror(errno));
    }
    if (file >= 0) {
        bool written = write_all(file, text, strlen(text));
        written = close(file) == 0 && written;
        if (!written || rename(temporary, path) != 0) {
            status = fail(STATUS_FAILED, "%s cannot be written: %s", path, strerror(errno));
            (void)unlink(temporary);
        } else {
            sync_folder(path);
        }
    }
    free(temporary);
    return status;
}

enum status tuning_file_write(const char *path, const struct device_info *device, enum device_class device_class,
                              const struct tuning *tuning)
{
    char *text;
    TRY(print_file(device, device_class, tuning, &text));
    enum status status = replace_file(path, text);
    cJSON_free(text);
    return status;
}
