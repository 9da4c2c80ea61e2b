/*
 * Runs one layer on a device: values, input gradients and parameter gradients against layers_reference.h, the padding
 * against zero, and all shards at once against shard by shard, bit for bit.
 */
#ifndef TESTS_UNIT_LAYERS_CHECK_H
#define TESTS_UNIT_LAYERS_CHECK_H

#include "base/shape_tables.h"
#include "compute/graph/layer.h"

struct layer_case {
    const char *type;
    const char *options; /* "kernel=3 stride=2" */
    struct shape shape;
    int input_count;
    int shards;
    int64_t shard_samples;
    double offset;    /* added to the inputs */
    double tolerance; /* of an element, in parts of the largest */
    bool relative;    /* of an output: in parts of itself */
    enum tape_mode mode;
};

void layer_case_check(const struct layer_case *layer_case, enum device_class device_class);
/* The graph of a case, for tests that need no device; the caller releases it. */
void layer_case_build(const struct layer_case *layer_case, struct graph *graph, struct layer **layer);
struct geometry layer_case_geometry(const struct layer_case *layer_case, int first_shard, int shard_count);

#endif
