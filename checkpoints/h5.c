#include "checkpoints/h5.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

void h5_prepare(void)
{
    (void)H5dont_atexit(); /* fails where it was called before, which is as good */
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    /* HDF5 keeps what it frees in lists of its own, megabytes of it, which fill from save to save. */
    (void)H5set_free_list_limits(0, 0, 0, 0, 0, 0);
}

void h5_memory_name(const void *image, char name[H5_NAME_SIZE])
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(name, H5_NAME_SIZE, "/dev/null/%p-%lld.%09ld", image, (long long)now.tv_sec, now.tv_nsec);
}

static herr_t keep_memory(void *pointer, H5FD_file_image_op_t operation, void *context)
{
    (void)pointer;
    (void)operation;
    (void)context;
    return 0;
}

static void *share_context(void *context)
{
    return context;
}

static herr_t keep_context(void *context)
{
    (void)context;
    return 0;
}

H5FD_file_image_callbacks_t h5_kept_image(void *context)
{
    return (H5FD_file_image_callbacks_t){
        .image_free = keep_memory, .udata_copy = share_context, .udata_free = keep_context, .udata = context};
}

/* Keeps the description that HDF5 recorded first: the innermost, which names the cause. */
static herr_t innermost(unsigned index, const H5E_error2_t *error, void *context)
{
    if (index == 0 && error->desc != NULL) {
        snprintf(context, 256, "%s", error->desc);
    }
    return 0;
}

enum status h5_try(int64_t result, const char *format, ...)
{
    if (result >= 0) {
        return STATUS_OK;
    }
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char reason[256] = "no reason given";
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, reason);
    return fail(STATUS_FAILED, "%s: HDF5 says: %s", what, reason);
}
