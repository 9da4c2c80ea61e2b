#include "compute/kernels/weights.h"

#include "compute/kernels/reduce.h"

enum status weights_add_bias(struct layer *layer, int64_t channels, int64_t fan_in, enum initial_name initial)
{
    enum initial_name own = initial == INITIAL_DEFAULT ? INITIAL_DEFAULT : INITIAL_ZEROS;
    struct parameter bias = {.kind = PARAMETER_WEIGHT,
                             .rank = 1,
                             .dim = {channels},
                             .elements = shape_stride(shape_vector(channels)),
                             .initial = initial_by_name(own, fan_in, channels)};
    return layer_add_parameter(layer, "bias", &bias);
}

int64_t weights_rows(const struct tape *tape, struct shape shape)
{
    return geometry_samples(&tape->geometry) * shape_positions(shape);
}

int64_t weights_shard_rows(const struct tape *tape, struct shape shape)
{
    return tape->geometry.shard_samples * shape_positions(shape);
}

enum status weights_bias_gradient(const struct layer *layer, struct tape *tape, int bias)
{
    struct shape shape = layer_output_shape(layer, 0);
    int64_t stride = shape_stride(shape);
    int sums;
    TRY(tape_scratch(tape, "bias gradients of shards", (uint64_t)(tape->geometry.shard_count * stride) * sizeof(float),
                     &sums));
    TRY(reduce_columns(tape, tape_bind(tape, tape_output_gradient(tape, layer, 0), ACCESS_READ),
                       weights_shard_rows(tape, shape), stride, tape_bind(tape, sums, ACCESS_WRITE)));
    return reduce_shards(tape, tape_bind(tape, sums, ACCESS_READ), stride, layer, bias);
}
