#include "compute/graph/tuning.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { KIB = 1 << 10, MIB = 1 << 20 };

const struct gpu_tile gpu_tiles[GPU_TILE_SHAPE_COUNT] = {
    [GPU_TILE_64X64] = {64, 64, 1},
    [GPU_TILE_128X128] = {128, 128, 2},
    [GPU_TILE_128X32] = {128, 32, 1},
    [GPU_TILE_128X64] = {128, 64, 2},
};

/* In the order of struct tuning. */
const struct tuning_field tuning_fields[TUNING_FIELD_COUNT] = {
    {.name = "cache_size",
     .unit = "bytes",
     .classes = {[CLASS_CPU] = true},
     .candidates = {256 * KIB, 512 * KIB, 1 * MIB, 2 * MIB},
     .candidate_count = 4},
    {.name = "col2im_chunk",
     .unit = "bytes",
     .classes = {[CLASS_CPU] = true},
     .candidates = {512 * KIB, 1 * MIB, 2 * MIB, 4 * MIB, 8 * MIB},
     .candidate_count = 5},
    {.name = "common_tile",
     .unit = "tile",
     .classes = {[CLASS_GPU] = true, [CLASS_GPU_MATRIX] = true},
     .is_shared = true,
     .candidates = {GPU_TILE_64X64, GPU_TILE_128X32, GPU_TILE_128X64, GPU_TILE_128X128},
     .candidate_count = 4},
    {.name = "large_tile",
     .unit = "tile",
     .classes = {[CLASS_GPU] = true, [CLASS_GPU_MATRIX] = true},
     .is_shared = true,
     .candidates = {GPU_TILE_64X64, GPU_TILE_128X64, GPU_TILE_128X128},
     .candidate_count = 3},
    {.name = "narrow_tile",
     .unit = "tile",
     .classes = {[CLASS_GPU] = true, [CLASS_GPU_MATRIX] = true},
     .is_shared = true,
     .candidates = {GPU_TILE_64X64, GPU_TILE_128X32},
     .candidate_count = 2},
    {.name = "winograd_chunk",
     .unit = "bytes",
     .classes = {true, true, true},
     .candidates = {1 * MIB, 2 * MIB, 4 * MIB, 8 * MIB, 16 * MIB, 64 * MIB},
     .candidate_count = 6},
};

const struct tuning *tuning_default(enum device_class device_class)
{
    /* Every class has all fields, so that a class may come to read one more. */
#define COMMON                                                                                                         \
    .cache_size = 512 * KIB, .col2im_chunk = 2 * MIB, .common_tile = GPU_TILE_64X64, .large_tile = GPU_TILE_128X128,   \
    .narrow_tile = GPU_TILE_128X32, .winograd_chunk = 4 * MIB
    static const struct tuning defaults[CLASS_COUNT] = {
        [CLASS_CPU] = {COMMON}, [CLASS_GPU] = {COMMON}, [CLASS_GPU_MATRIX] = {COMMON}};
#undef COMMON
    return &defaults[device_class];
}

int64_t tuning_get(const struct tuning *tuning, int field)
{
    int64_t values[TUNING_FIELD_COUNT];
    memcpy(values, tuning, sizeof values);
    return values[field];
}

void tuning_set(struct tuning *tuning, int field, int64_t value)
{
    int64_t values[TUNING_FIELD_COUNT];
    memcpy(values, tuning, sizeof values);
    values[field] = value;
    memcpy(tuning, values, sizeof values);
}

bool tuning_is_candidate(int field, int64_t value)
{
    for (int i = 0; i < tuning_fields[field].candidate_count; i++) {
        if (tuning_fields[field].candidates[i] == value) {
            return true;
        }
    }
    return false;
}

void tuning_format(int field, int64_t value, char text[32])
{
    const char *unit = tuning_fields[field].unit;
    if (strcmp(unit, "tile") == 0) {
        snprintf(text, 32, "%" PRIu32 " x %" PRIu32, gpu_tiles[value].rows, gpu_tiles[value].columns);
    } else if (strcmp(unit, "bytes") == 0) {
        snprintf(text, 32, "%" PRId64 " KiB", value / KIB);
    } else if (value < 0) {
        snprintf(text, 32, "never");
    } else {
        snprintf(text, 32, "%" PRId64 " %%", value);
    }
}
