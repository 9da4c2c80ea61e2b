/*
 * The face of a device: open it, load a program, run its phases, serve their events. Two engines stand behind it:
 * vulkan, and null, which checks every dispatch of a plan and runs nothing. Nothing is allocated after engine_load().
 */
#ifndef COMPUTE_ENGINE_H
#define COMPUTE_ENGINE_H

#include "compute/graph/program.h"
#include "compute/kernel_table.h"

enum engine_kind { ENGINE_VULKAN, ENGINE_NULL };

struct engine_params {
    enum engine_kind kind;
    int device;     /* index among the devices listed, -1: chosen by `local_rank` */
    int local_rank; /* among the ranks of this host */
    int local_size;
    bool share_device; /* allow several ranks on one GPU */
    int device_class;  /* enum device_class, -1: the device's best */
    bool tuned;        /* take what `lemnos bench --tune` left for the device (tuning_file.h) */
    bool validation;   /* Vulkan validation layers with synchronization validation; any message is an error */
    bool timestamps;   /* record the time of every dispatch (engine_times); dispatches then never overlap */

    const struct tuning *tuning; /* to measure or check one; NULL: as `tuned` says. Copied */
    /* For tests: */
    bool staged;                       /* treat host-visible device memory as if the host could not see it */
    const struct kernel_code *kernels; /* sorted by name, NULL: kernel_table */
    size_t kernel_count;
};

enum { DEVICE_ID_SIZE = 16 };

struct device_info {
    int index;
    char name[256];
    char driver[256];
    enum { DEVICE_DISCRETE, DEVICE_INTEGRATED, DEVICE_VIRTUAL, DEVICE_CPU, DEVICE_OTHER } type;
    uint32_t api_version; /* as Vulkan packs it */
    uint32_t vendor_id, device_id;
    uint32_t driver_version;              /* as the driver packs it */
    uint8_t driver_build[DEVICE_ID_SIZE]; /* differs where compiled kernels may differ */
    bool classes[CLASS_COUNT];
    enum device_class best_class;
    uint32_t subgroup_size;
    struct matrix_fragment fragment; /* of class gpu with cooperative matrix */
    uint64_t heap_size;              /* bytes of the largest device-local heap */
    uint64_t max_allocation;         /* bytes */
    uint64_t max_storage_range;      /* bytes */
    uint32_t shared_memory;          /* bytes a workgroup */
    char missing[256];               /* what the device lacks to run any class; "" where it can */
};

/* All Vulkan devices, in the order in which ranks take them: discrete, integrated, CPU. The caller frees *devices. */
enum status engine_list(struct device_info **devices, int *count) MUST_CHECK;

struct engine;

enum status engine_create(const struct engine_params *params, struct engine **engine) MUST_CHECK;
void engine_destroy(struct engine *engine);
const struct device_info *engine_device(const struct engine *engine);
enum device_class engine_class(const struct engine *engine);
/* How programs for this engine are to be lowered. */
const struct tuning *engine_tuning(const struct engine *engine);
/* Class cpu: invocations of a subgroup, 8 or 16. */
int engine_lanes(const struct engine *engine);

/* Allocates all regions (zeroed), builds the kernels, records every phase. `program` must outlive the engine. Once. */
enum status engine_load(struct engine *engine, const struct program *program) MUST_CHECK;

/* The host's view of a region (not the arena), fixed after engine_load(). On unified memory it is the region itself. */
void *engine_host(struct engine *engine, enum region region);
/*
 * Makes bytes that the host wrote visible to the device, and the other way round; between phases only. No work on
 * unified memory. Done by the engine itself: INPUT and STEP before a phase, OUTPUT behind it, EXCHANGE around host
 * steps, and a bucket's part of GRADIENTS (every copy that the phase writes) before EVENT_BUCKETS.
 */
enum status engine_push(struct engine *engine, enum region region, uint64_t offset, uint64_t size) MUST_CHECK;
enum status engine_pull(struct engine *engine, enum region region, uint64_t offset, uint64_t size) MUST_CHECK;

struct engine_event {
    enum { EVENT_NONE, EVENT_BUCKETS, EVENT_HOST, EVENT_DONE } kind;
    int first_bucket, bucket_count;
    const struct host_step *host;
};

/* Submits a phase; one at a time. */
enum status engine_begin(struct engine *engine, int phase) MUST_CHECK;
/*
 * The next event of the running phase, or EVENT_NONE when `wait_us` microseconds passed without one; the wait yields
 * the core. After EVENT_HOST the phase stands still until engine_continue(); after EVENT_DONE another phase may begin.
 */
enum status engine_poll(struct engine *engine, uint32_t wait_us, struct engine_event *event) MUST_CHECK;
enum status engine_continue(struct engine *engine) MUST_CHECK;

/* Where an exchange tensor's bytes lie for the host: engine_host(REGION_EXCHANGE) + the binding's planned offset. */
void *engine_exchange(struct engine *engine, const struct binding *binding);

/* Seconds of each step of a phase in its last run (timestamps on); `seconds` has the tape's step_count entries. */
enum status engine_times(struct engine *engine, int phase, double *seconds) MUST_CHECK;

#endif
