/* Which device a rank takes. */
#ifndef COMPUTE_DEVICE_CHOICE_H
#define COMPUTE_DEVICE_CHOICE_H

#include "compute/engine.h"

/*
 * The position in `infos` (as engine_list() orders them) for params' device, local_rank, local_size and share_device:
 * the usable GPUs are dealt to the ranks in turn, one each unless sharing is allowed; without a GPU every rank takes
 * the CPU device. STATUS_BAD_INPUT where there are too few GPUs, or the device asked for cannot be used.
 */
enum status device_choose(const struct engine_params *params, const struct device_info *infos, int count,
                          int *choice) MUST_CHECK;

#endif
