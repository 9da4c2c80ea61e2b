#include "compute/kernels/winograd.h"

#include <string.h>

#include "base/memory.h"
#include "compute/kernels/epilogue.h"
#include "compute/kernels/matmul.h"
#include "compute/kernels/range.h"
#include "compute/kernels/winograd_private.h"

/* Samples from one aligned place in a tensor of images to the next. */
static int64_t aligned_samples(struct shape shape)
{
    return range_aligned(shape_elements(shape, DTYPE_FLOAT32) * (int64_t)sizeof(float));
}

bool winograd_can(const struct window *window, struct shape input, struct shape output)
{
    if (shape_channels(input) == 1) {
        return false; /* its weights lie otherwise */
    }
    for (int axis = 0; axis < 2; axis++) {
        if (window->kernel[axis] != 3 || window->stride[axis] != 1 || window->dilation[axis] != 1) {
            return false;
        }
    }
    /* In both directions, forward and to the input's gradient, storage buffers must hold what is written at once. */
    struct winograd both[] = {{.input = input, .output = output}, {.input = output, .output = input}};
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        if (aligned_samples(both[i].output) * winograd_larger_tiles_size(&both[i]) > DISPATCH_MAX_STORAGE ||
            winograd_weight_size(&both[i]) > DISPATCH_MAX_STORAGE) {
            return false;
        }
    }
    return true;
}

/* Nanoseconds: weights of products made and read again, where that is more than a cache holds. */
static const double EVICTED = 0.6;

bool winograd_pays(const struct winograd *winograd, const struct geometry *geometry)
{
    double inputs = (double)shape_stride(winograd->input);
    double outputs = (double)shape_stride(winograd->output);
    double tiles = (double)winograd_tiles_of_sample(winograd);
    double positions = (double)shape_positions(winograd->output);
    double direct = positions * outputs * (WINOGRAD_POSITIONS * inputs * WINOGRAD_PRODUCT + WINOGRAD_WRITE);
    double transforms = (inputs * (WINOGRAD_READ + WINOGRAD_WRITE) + outputs * WINOGRAD_READ) * WINOGRAD_PRODUCTS;
    double products = outputs * (inputs * WINOGRAD_PRODUCT + WINOGRAD_WRITE) * WINOGRAD_PRODUCTS;
    double sample = tiles * (transforms + products) + positions * outputs * WINOGRAD_WRITE;
    /* How many samples a rank has must not matter: as two ranks would share them. */
    double samples = 0.5 * (double)(geometry->shards * geometry->shard_samples);
    return samples * direct > WINOGRAD_MARGIN * (samples * sample + winograd_weight_cost(winograd, EVICTED));
}

/* Weights of products from those of the convolution whose gradient to the input is convolved for. */
static enum status add_transposed_weight_kernel(struct tape *tape, const struct winograd *winograd, struct binding read,
                                                struct binding written)
{
    int64_t outputs = shape_stride(winograd->input) / 4;
    int64_t inputs = shape_stride(winograd->output) / 4;
    int64_t lines = divide_up_count(inputs, MATMUL_PANEL / 4) * outputs;
    struct winograd_transposed_push push = {
        .count = (uint)(outputs * 4 * inputs), .outputs = divisor_of(outputs), .inputs = (uint)inputs};
    struct dispatch dispatch = {
        .kernel = "winograd_weight_transposed", .bindings = {read, written}, .binding_count = 2};
    dispatch_push(&dispatch, push);
    dispatch_groups(&dispatch, divide_up((uint64_t)(lines * (MATMUL_PANEL / 4)), RANGE_LOCAL_SIZE));
    return tape_dispatch(tape, &dispatch);
}

static enum status convolve_chunk(struct tape *tape, const struct winograd *winograd,
                                  const struct winograd_chunk *chunk, const struct winograd_bindings *bindings,
                                  const int scratch[3])
{
    int64_t inputs = shape_stride(winograd->input);
    int64_t outputs = shape_stride(winograd->output);
    int64_t sample = shape_elements(winograd->output, DTYPE_FLOAT32) * (int64_t)sizeof(float);
    TRY(winograd_input_tiles(tape, winograd, chunk, 0, bindings->image, tape_bind(tape, scratch[0], ACCESS_WRITE)));
    struct matmul_rows products = {
        .left = matmul_left_rows(tape_bind(tape, scratch[0], ACCESS_READ), inputs),
        .rows = chunk->tiles,
        .right = tape_bind(tape, scratch[1], ACCESS_READ),
        .layout = RIGHT_PANELS,
        .columns = shape_channels(winograd->output),
        .output = tape_bind(tape, scratch[2], ACCESS_WRITE),
        .batch_count = WINOGRAD_PRODUCTS,
        .batch = {.left = (uint)(chunk->tiles * inputs / 4),
                  .right = (uint)(inputs * outputs / 4),
                  .result = (uint)(chunk->tiles * outputs / 4)},
    };
    products.left.useful_depth = winograd_useful_depth(winograd);
    TRY(matmul_rows(tape, &products));
    struct dispatch dispatch = {
        .kernel = "winograd_output",
        .bindings = {tape_bind(tape, scratch[2], ACCESS_READ),
                     bindings->bias != NULL ? *bindings->bias : bindings->weight,
                     binding_part(bindings->result, chunk->first_sample * sample, chunk->samples * sample)},
        .binding_count = 3,
        .constants = {bindings->bias != NULL}};
    epilogue_add(&dispatch, 1, bindings->epilogue);
    return winograd_output_kernel(tape, winograd, chunk, dispatch);
}

enum status winograd_convolve(struct tape *tape, const struct winograd *winograd,
                              const struct winograd_bindings *bindings)
{
    int64_t total = geometry_samples(&tape->geometry);
    int64_t unit = aligned_samples(winograd->output);
    int64_t step = tape->tuning->winograd_chunk / winograd_larger_tiles_size(winograd) / unit * unit;
    step = step > 0 ? step : unit;
    int64_t most = step < total ? step : total;
    int scratch[3];
    TRY(tape_scratch(tape, "tiles of inputs",
                     (uint64_t)(most * winograd_tiles_size(winograd, shape_stride(winograd->input))), &scratch[0]));
    TRY(tape_scratch(tape, "weights of products", (uint64_t)winograd_weight_size(winograd), &scratch[1]));
    TRY(tape_scratch(tape, "tiles of outputs",
                     (uint64_t)(most * winograd_tiles_size(winograd, shape_stride(winograd->output))), &scratch[2]));
    struct binding weights = tape_bind(tape, scratch[1], ACCESS_WRITE);
    TRY(bindings->transposed ? add_transposed_weight_kernel(tape, winograd, bindings->weight, weights)
                             : winograd_weight_kernel(tape, winograd, "winograd_weight", bindings->weight, weights));
    for (int64_t first = 0; first < total; first += step) {
        struct winograd_chunk chunk = winograd_make_chunk(winograd, first, total - first < step ? total - first : step);
        TRY(convolve_chunk(tape, winograd, &chunk, bindings, scratch));
    }
    return STATUS_OK;
}
