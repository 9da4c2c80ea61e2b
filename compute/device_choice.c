#include "compute/device_choice.h"

#include <stdlib.h>

#include "base/memory.h"

static enum status choose_gpu(const struct engine_params *params, const struct device_info *infos, const int *gpus,
                              int gpu_count, int *choice)
{
    if (params->local_size > gpu_count && !params->share_device) {
        return fail(STATUS_BAD_INPUT,
                    "%d ranks run on this host, which has %d usable GPU%s: start at most %d here, or let ranks share a "
                    "GPU with device.share = yes (%s comes first)",
                    params->local_size, gpu_count, gpu_count > 1 ? "s" : "", gpu_count, infos[gpus[0]].name);
    }
    *choice = gpus[params->local_rank % gpu_count];
    return STATUS_OK;
}

static enum status choose_given(const struct engine_params *params, const struct device_info *infos, int count,
                                int *choice)
{
    if (params->device >= count) {
        return fail(STATUS_BAD_INPUT, "there is no device %d, only 0 to %d: see lemnos devices", params->device,
                    count - 1);
    }
    const struct device_info *info = &infos[params->device];
    if (info->missing[0] != '\0') {
        return fail(STATUS_BAD_INPUT, "device %d (%s) cannot be used, it lacks %s", params->device, info->name,
                    info->missing);
    }
    if (info->type != DEVICE_CPU && params->local_size > 1 && !params->share_device) {
        return fail(
            STATUS_BAD_INPUT,
            "%d ranks of this host would share device %d (%s): leave the device to each rank's choice, or allow "
            "it with device.share = yes",
            params->local_size, params->device, info->name);
    }
    *choice = params->device;
    return STATUS_OK;
}

enum status device_choose(const struct engine_params *params, const struct device_info *infos, int count, int *choice)
{
    if (params->device >= 0) {
        return choose_given(params, infos, count, choice);
    }
    int *gpus;
    int gpu_count = 0, cpu = -1;
    TRY(memory_allocate((size_t)count, sizeof *gpus, &gpus));
    for (int i = 0; i < count; i++) {
        if (infos[i].missing[0] != '\0') {
            continue;
        }
        if (infos[i].type != DEVICE_CPU) {
            gpus[gpu_count++] = i;
        } else if (cpu < 0) {
            cpu = i;
        }
    }
    enum status status = STATUS_OK;
    if (gpu_count > 0) {
        status = choose_gpu(params, infos, gpus, gpu_count, choice);
    } else if (cpu >= 0) {
        *choice = cpu;
    } else {
        status = fail(STATUS_NOT_FOUND, "no Vulkan device of this host can be used; the first, %s, lacks %s",
                      infos[0].name, infos[0].missing);
    }
    free(gpus);
    return status;
}
