/*
 * What `lemnos bench --tune` found out, kept from one run to the next: a file for each device and class of kernels, in
 * $XDG_CACHE_HOME/lemnos or ~/.cache/lemnos. It holds for the driver and the kernels that were measured; whatever does
 * not fit is left alone, for it can cost speed but never a result.
 */
#ifndef COMPUTE_TUNING_FILE_H
#define COMPUTE_TUNING_FILE_H

#include "compute/engine.h"

/* Where the file of this device and class lies, whether there is one or not; the caller frees *path. */
enum status tuning_file_path(const struct device_info *device, enum device_class device_class, char **path) MUST_CHECK;

/*
 * STATUS_NOT_FOUND where there is no file, STATUS_CORRUPT where it is none, or is of another device, driver, class or
 * version of the kernels, or holds a value that is no candidate: then *tuning is untouched and the message says why.
 */
enum status tuning_file_read(const char *path, const struct device_info *device, enum device_class device_class,
                             struct tuning *tuning) MUST_CHECK;
/* Puts the file in its place as a whole or not at all; makes its folder, for this user alone. */
enum status tuning_file_write(const char *path, const struct device_info *device, enum device_class device_class,
                              const struct tuning *tuning) MUST_CHECK;

/* Whether LEMNOS_TUNING=off in the environment asks for the defaults. */
bool tuning_file_is_off(void);
/* What the device is to take: the file's, else the default of the class. Tells in a line what it ignores. */
struct tuning tuning_file_find(const struct device_info *device, enum device_class device_class);

#endif
