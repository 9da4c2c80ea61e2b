/* What an engine implements. engine.c keeps the order of calls and makes the events; an engine only runs segments. */
#ifndef COMPUTE_ENGINE_PRIVATE_H
#define COMPUTE_ENGINE_PRIVATE_H

#include "compute/engine.h"

struct engine_ops {
    void (*destroy)(struct engine *engine);
    /* The program is checked already. */
    enum status (*load)(struct engine *engine);
    void *(*host)(struct engine *engine, enum region region);
    enum status (*push)(struct engine *engine, enum region region, uint64_t offset, uint64_t size);
    enum status (*pull)(struct engine *engine, enum region region, uint64_t offset, uint64_t size);
    /* Starts segments first .. first + count - 1 of a phase. */
    enum status (*submit)(struct engine *engine, int phase, int first, int count);
    /* Waits for the end of a segment that was submitted, at most wait_us microseconds. */
    enum status (*wait)(struct engine *engine, int phase, int segment, uint32_t wait_us, bool *done);
    enum status (*times)(struct engine *engine, int phase, double *seconds);
};

struct engine {
    const struct engine_ops *ops;
    struct device_info device;
    enum device_class device_class;
    struct tuning tuning;

    const struct kernel_code *kernels;
    size_t kernel_count;
    struct kernel_interface *interfaces; /* by kernel; those that the program uses are filled in */
    bool *reflected;                     /* by kernel */

    const struct program *program; /* NULL before engine_load() */
    uint64_t region_sizes[REGION_COUNT];

    int phase;     /* that runs, -1: none */
    int segment;   /* whose end is the next event */
    bool standing; /* at a host step, until engine_continue() */
};

/*
 * The position of a kernel in the table, reflected; class cpu takes the one with _cpu behind its name where there is
 * one. STATUS_NOT_FOUND with the remedy.
 */
enum status engine_kernel(struct engine *engine, const char *name, int *kernel) MUST_CHECK;

/* Checks every dispatch, binding and segment of the program, and finds the sizes of all regions (engine_check.c). */
enum status engine_check(struct engine *engine, const struct program *program) MUST_CHECK;

/* "parameters", "activations" ...: for messages. */
const char *region_name(enum region region);

#endif
