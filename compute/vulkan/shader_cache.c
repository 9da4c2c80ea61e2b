/* Where Mesa keeps compiled kernels from one run to the next: without it every start compiles for seconds. */
#include "compute/vulkan/private.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "compute/vulkan/cpu_driver/cpu_driver.h"

enum { PATH_SIZE = 4096 };

/* The folder that Mesa would take, which takes these variables, else the home folder of the user data base. */
static bool find_place(char path[PATH_SIZE])
{
    const char *own = getenv("MESA_SHADER_CACHE_DIR");
    const char *cache = getenv("XDG_CACHE_HOME");
    const struct passwd *user = own == NULL && cache == NULL ? getpwuid(getuid()) : NULL;
    if (own != NULL || cache != NULL) {
        snprintf(path, PATH_SIZE, "%s", own != NULL ? own : cache);
        return true;
    }
    if (user == NULL || user->pw_dir == NULL || access(user->pw_dir, W_OK) != 0) {
        return false;
    }
    snprintf(path, PATH_SIZE, "%s/.cache", user->pw_dir);
    return true;
}

static bool make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || access(path, W_OK) == 0;
}

/* Where the user has no folder at all. Compiled code is executed: one that somebody else made is not to be trusted. */
static bool make_common_place(char path[PATH_SIZE])
{
    struct stat found;
    snprintf(path, PATH_SIZE, "/tmp/lemnos-shader-cache-%u", (unsigned)getuid());
    return (mkdir(path, 0700) == 0 || access(path, F_OK) == 0) && lstat(path, &found) == 0 && S_ISDIR(found.st_mode) &&
           found.st_uid == getuid() && (found.st_mode & 077) == 0;
}

/*
 * A folder of its own inside `path` for what Mesa does not tell apart, as it does drivers and their versions: kernels
 * compiled for registers of another width, those whose multiply-adds are fused, and those that load and store whole
 * registers.
 */
static bool add_folder(char path[PATH_SIZE], const char *width)
{
    char folder[96];
    const char *version = cpu_driver_version();
    snprintf(folder, sizeof folder, "/lemnos%s%.8s%s%s%s%s%s", width != NULL ? "-" : "", width != NULL ? width : "",
             width != NULL ? "-bits" : "", cpu_driver_fuses() ? "-fma" : "", cpu_driver_vectorises() ? "-vectors" : "",
             version != NULL ? "-" : "", version != NULL ? version : "");
    size_t length = strlen(path);
    size_t added = strlen(folder);
    if (length >= added && strcmp(path + length - added, folder) == 0) {
        return true; /* set by an earlier call, or by the program that started this one */
    }
    if (!make_folder(path) || length + added >= PATH_SIZE) {
        return false;
    }
    memcpy(path + length, folder, added + 1);
    return make_folder(path);
}

void shader_cache_place(void)
{
    char path[PATH_SIZE];
    const char *width = getenv("LP_NATIVE_VECTOR_WIDTH");
    bool own = width != NULL || cpu_driver_version() != NULL;
    bool found = find_place(path);
    if (found && !own) {
        return; /* Mesa finds it too */
    }
    if ((found || make_common_place(path)) && (!own || add_folder(path, width))) {
        setenv("MESA_SHADER_CACHE_DIR", path, 1);
        return;
    }
    setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
    log_warning("no folder for compiled kernels (set MESA_SHADER_CACHE_DIR): every start compiles them again");
}
