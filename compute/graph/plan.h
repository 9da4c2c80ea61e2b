/*
 * The plan of a tape, a pure function of it: where every arena tensor lies (lifetimes -> offsets, memory reused when
 * dead), before which steps a barrier stands (where byte ranges conflict, and nowhere else), and the segments: runs of
 * dispatches that end where the host has something to do.
 */
#ifndef COMPUTE_GRAPH_PLAN_H
#define COMPUTE_GRAPH_PLAN_H

#include "compute/graph/tape.h"

struct bucket_range {
    int64_t offset, count; /* floats of the flat buffer */
};

enum segment_end {
    SEGMENT_BUCKETS, /* gradients are complete: buckets first_bucket .. first_bucket + bucket_count - 1 */
    SEGMENT_HOST,    /* the host step `host_step` runs now */
    SEGMENT_DONE,
};

struct segment {
    int first_step, step_count; /* of the tape; a host step belongs to no segment */
    enum segment_end end;
    int first_bucket, bucket_count;
    int host_step; /* the tape's step for SEGMENT_HOST */
};

struct plan {
    uint64_t *offsets; /* by tensor: bytes in its region */
    uint64_t arena_size;
    bool *barriers; /* by step: a barrier stands before it */
    struct segment *segments;
    int segment_count;
};

/*
 * Buckets become ready in ascending order: `buckets` are given in the order in which they are to be handed out, and one
 * that is complete early waits for those before it. None: pass NULL, 0.
 */
enum status plan_create(const struct tape *tape, const struct bucket_range *buckets, int bucket_count,
                        struct plan *plan) MUST_CHECK;
void plan_release(struct plan *plan);

/* The bytes [*begin, *end) that a binding touches in its region. */
void plan_range(const struct plan *plan, const struct binding *binding, uint64_t *begin, uint64_t *end);

#endif
