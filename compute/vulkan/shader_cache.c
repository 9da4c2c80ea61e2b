/* Where Mesa keeps compiled kernels from one run to the next: without it every start compiles for seconds. */
#include "compute/vulkan/private.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* Mesa takes these variables, else the home folder of the user data base, else it silently keeps nothing. */
static bool has_place(void)
{
    if (getenv("MESA_SHADER_CACHE_DIR") != NULL || getenv("XDG_CACHE_HOME") != NULL) {
        return true;
    }
    const struct passwd *user = getpwuid(getuid());
    return user != NULL && user->pw_dir != NULL && access(user->pw_dir, W_OK) == 0;
}

void shader_cache_place(void)
{
    if (has_place()) {
        return;
    }
    char path[64];
    snprintf(path, sizeof path, "/tmp/lemnos-shader-cache-%u", (unsigned)getuid());
    struct stat found;
    /* Compiled code is executed: a folder that somebody else made in /tmp is not to be trusted. */
    if ((mkdir(path, 0700) != 0 && access(path, F_OK) != 0) || lstat(path, &found) != 0 || !S_ISDIR(found.st_mode) ||
        found.st_uid != getuid() || (found.st_mode & 077) != 0) {
        log_warning("no folder for compiled shaders (set MESA_SHADER_CACHE_DIR): every start compiles them again");
        return;
    }
    setenv("MESA_SHADER_CACHE_DIR", path, 0);
}
