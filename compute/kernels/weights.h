/* What layers with weights share: the options bias and initial, the bias and its gradient. */
#ifndef COMPUTE_KERNELS_WEIGHTS_H
#define COMPUTE_KERNELS_WEIGHTS_H

#include "compute/graph/layer.h"

/* Rows of an option table over struct `owner`. */
#define WEIGHTS_OPTION_BIAS(owner)                                                                                     \
    {                                                                                                                  \
        .name = "bias", .type = OPTION_BOOL, .offset = offsetof(owner, bias), .fallback = "yes",                       \
        .help = "adds a trained number to every output channel"                                                        \
    }
#define WEIGHTS_OPTION_INITIAL(owner)                                                                                  \
    {                                                                                                                  \
        .name = "initial", .type = OPTION_CHOICE, .offset = offsetof(owner, initial), .fallback = "default",           \
        .choices = initial_names, .help = "how weights begin; the bias too where it is default, else with zeros"       \
    }

/* Adds "bias" of `channels` numbers to a layer whose outputs are sums of `fan_in` products. */
enum status weights_add_bias(struct layer *layer, int64_t channels, int64_t fan_in,
                             enum initial_name initial) MUST_CHECK;
/* The gradient of parameter `bias`: the sums of the output's gradient over samples and positions. */
enum status weights_bias_gradient(const struct layer *layer, struct tape *tape, int bias) MUST_CHECK;

/* Rows of a value: its local samples times positions; and those of a shard. */
int64_t weights_rows(const struct tape *tape, struct shape shape);
int64_t weights_shard_rows(const struct tape *tape, struct shape shape);

#endif
