/* lemnos devices: what Vulkan offers here, and which rank would take what. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "cli/commands.h"
#include "compute/engine.h"
#include "compute/tuning_file.h"

static const char *type_name(const struct device_info *info)
{
    switch (info->type) {
    case DEVICE_DISCRETE:
        return "discrete GPU";
    case DEVICE_INTEGRATED:
        return "integrated GPU";
    case DEVICE_VIRTUAL:
        return "virtual GPU";
    case DEVICE_CPU:
        return "CPU";
    case DEVICE_OTHER:
        return "other";
    }
    return "other";
}

static bool is_usable(const struct device_info *info)
{
    return info->missing[0] == '\0';
}

static bool is_gpu(const struct device_info *info)
{
    return is_usable(info) && info->type != DEVICE_CPU;
}

static void print_size(const char *what, uint64_t bytes)
{
    const double mebibyte = 1048576.0;
    if (bytes >= (uint64_t)1 << 50) {
        printf("   %-17s no limit\n", what); /* drivers say so with all bits set */
    } else {
        printf("   %-17s %.0f MiB\n", what, (double)bytes / mebibyte);
    }
}

/* Whether `lemnos bench --tune` left something for the class that the device is used with, and where. */
static enum status print_tuning(const struct device_info *info)
{
    char *path;
    struct tuning tuning;
    TRY(tuning_file_path(info, info->best_class, &path));
    enum status status = tuning_file_read(path, info, info->best_class, &tuning);
    if (status == STATUS_OK) {
        printf("   %-17s %s, in %s\n\n", "tuned", tuning_file_is_off() ? "yes, but LEMNOS_TUNING=off" : "yes", path);
    } else if (status == STATUS_NOT_FOUND) {
        printf("   %-17s no; lemnos bench --tune --device %d would write %s\n\n", "tuned", info->index, path);
    } else {
        printf("   %-17s no, %s is ignored: %s\n\n", "tuned", path, status_message());
    }
    status_clear();
    free(path);
    return STATUS_OK;
}

static enum status print_device(const struct device_info *info)
{
    printf("%d  %s\n", info->index, info->name);
    printf("   %-17s %s\n", "type", type_name(info));
    printf("   %-17s %s\n", "driver", info->driver);
    printf("   %-17s %" PRIu32 ".%" PRIu32 "\n", "Vulkan", info->api_version >> 22 & 0x7F,
           info->api_version >> 12 & 0x3FF);
    if (!is_usable(info)) {
        printf("   %-17s it lacks %s\n\n", "cannot be used", info->missing);
        return STATUS_OK;
    }
    printf("   %-17s", "classes");
    const char *separator = " ";
    for (int i = 0; i < CLASS_COUNT; i++) {
        if (info->classes[i]) {
            printf("%s%s%s", separator, device_class_names[i], i == (int)info->best_class ? " (taken)" : "");
            separator = ", ";
        }
    }
    printf("\n");
    print_size("memory", info->heap_size);
    print_size("largest block", info->max_allocation);
    print_size("largest binding", info->max_storage_range);
    printf("   %-17s %" PRIu32 "\n", "subgroup", info->subgroup_size);
    printf("   %-17s %" PRIu32 " KiB a workgroup\n", "shared memory", info->shared_memory / 1024);
    if (info->fragment.rows != 0) {
        printf("   %-17s %" PRIu32 " x %" PRIu32 " x %" PRIu32 " of halves, by %" PRIu32 " invocations\n", "matrices",
               info->fragment.rows, info->fragment.columns, info->fragment.depth, info->fragment.subgroup);
    }
    return print_tuning(info);
}

/* As the engine chooses: GPUs one each, else all ranks on the CPU device. */
static void print_ranks(const struct device_info *devices, int count)
{
    int gpus = 0;
    for (int i = 0; i < count; i++) {
        gpus += is_gpu(&devices[i]) ? 1 : 0;
    }
    if (gpus == 0) {
        for (int i = 0; i < count; i++) {
            if (is_usable(&devices[i])) {
                printf("All ranks of this host run on device %d, one core each: mpirun uses several cores.\n",
                       devices[i].index);
                return;
            }
        }
        printf("None of them can be used.\n");
        return;
    }
    printf("Ranks of this host, each with a GPU of its own:");
    int rank = 0;
    for (int i = 0; i < count; i++) {
        if (is_gpu(&devices[i])) {
            printf("%s rank %d on device %d", rank > 0 ? "," : "", rank, devices[i].index);
            rank++;
        }
    }
    printf("\n[device] index = N takes another one; share = yes lets several ranks use one GPU.\n");
}

static enum status devices_run(const struct arguments *arguments, struct comm *comm)
{
    (void)arguments;
    (void)comm;
    struct device_info *devices;
    int count;
    TRY(engine_list(&devices, &count));
    enum status status = STATUS_OK;
    for (int i = 0; i < count; i++) {
        TRY_OUT(print_device(&devices[i]));
    }
    print_ranks(devices, count);
out:
    free(devices);
    return status;
}

const struct command command_devices = {
    .name = "devices",
    .help = "list the Vulkan devices of this machine",
    .usage = "",
    .details =
        "Lists the Vulkan devices with their limits and the classes of kernels that each can run, in the order in\n"
        "which the ranks of a host take them; and whether lemnos bench --tune left sizes of tiles and blocks for them.",
    .run = devices_run,
};
