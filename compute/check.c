#include "compute/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "compute/check_cases.h"
#include "compute/graph/lower.h"
#include "compute/single.h"

enum {
    ELEMENTS = 12, /* of a tensor that are moved, at most */
    STEPS = 3,     /* sizes of a move that are tried */
    SEED = 1,
};

static const double first_step = 1e-2;  /* of a move; the next is an eighth of it */
static const double limit = 5e-3;       /* of the relative difference: single precision, differences over two moves */
static const double small_share = 0.05; /* what a gradient is compared with at least: a share of the tensor's largest */

/* A tensor with a gradient: an input (parameter < 0) or a parameter. */
struct moved {
    int input, parameter;
    int64_t count;
    float *values;
    float *gradient;
};

struct check {
    const struct check_case *row;
    const struct layer_type *type;
    struct single *single;
    struct moved *moved;
    int moved_count;
    int32_t *labels;
    int64_t output_count;
    float *output_gradient;
    float *base, *output; /* of the values as drawn; of the values as moved */
    struct random random;
    int elements;
    double worst;
};

static enum status new_moved(struct check *check, int input, int parameter, int64_t count, double low, double high)
{
    TRY(memory_resize((size_t)check->moved_count + 1, sizeof *check->moved, &check->moved));
    struct moved *moved = &check->moved[check->moved_count++];
    *moved = (struct moved){.input = input, .parameter = parameter, .count = count};
    TRY(memory_allocate((size_t)count, sizeof(float), &moved->values));
    TRY(memory_allocate((size_t)count, sizeof(float), &moved->gradient));
    for (int64_t i = 0; i < count; i++) {
        moved->values[i] = (float)random_uniform(&check->random, low, high);
    }
    return STATUS_OK;
}

static enum status draw_inputs(struct check *check)
{
    const struct check_case *row = check->row;
    for (int i = 0; i < row->input_count; i++) {
        int64_t count = row->samples * shape_count(row->inputs[i]);
        if (i == 0 || row->classes == 0) {
            TRY(new_moved(check, i, -1, count, row->low, row->high));
            continue;
        }
        TRY(memory_allocate((size_t)count, sizeof(int32_t), &check->labels));
        for (int64_t j = 0; j < count; j++) {
            check->labels[j] = (int32_t)random_below(&check->random, (uint32_t)row->classes);
        }
    }
    return STATUS_OK;
}

/* Running averages have no gradient, and in training the output does not depend on them. */
static enum status draw_parameters(struct check *check)
{
    for (int i = 0; i < single_layer(check->single)->parameter_count; i++) {
        const struct parameter *parameter = single_parameter(check->single, i);
        if (parameter->kind == PARAMETER_WEIGHT) {
            TRY(new_moved(check, -1, i, parameter_count(parameter), -1.0, 1.0));
            TRY(single_write_parameter(check->single, i, check->moved[check->moved_count - 1].values));
        }
    }
    return STATUS_OK;
}

static enum status make_single(struct check *check, const struct engine_params *engine)
{
    const struct check_case *row = check->row;
    enum dtype dtypes[CHECK_MAX_INPUTS] = {DTYPE_FLOAT32, row->classes > 0 ? DTYPE_INT32 : DTYPE_FLOAT32,
                                           DTYPE_FLOAT32};
    struct single_part part = {.shards = row->shards, .shard_count = row->shards};
    struct single_params params = {.engine = engine,
                                   .type = check->type,
                                   .options = row->options,
                                   .mode = TAPE_TRAIN,
                                   .samples = row->samples,
                                   .inputs = row->inputs,
                                   .dtypes = dtypes,
                                   .input_count = row->input_count,
                                   .parts = &part,
                                   .part_count = 1};
    TRY(single_create(&params, &check->single));
    if (check->type->is_loss) {
        /* Its outputs are the metrics, of which the first of each shard is the loss. */
        check->output_count = row->shards;
    } else {
        check->output_count = row->samples * shape_count(single_output_shape(check->single));
    }
    TRY(memory_allocate((size_t)check->output_count, sizeof(float), &check->output_gradient));
    TRY(memory_allocate((size_t)check->output_count, sizeof(float), &check->base));
    TRY(memory_allocate((size_t)check->output_count, sizeof(float), &check->output));
    struct step_scalars *scalars = single_scalars(check->single);
    scalars->seed_low = SEED;
    scalars->loss_scale = 1.0F / (float)row->samples;
    for (int64_t i = 0; i < check->output_count; i++) {
        check->output_gradient[i] =
            check->type->is_loss ? scalars->loss_scale : (float)random_uniform(&check->random, -1.0, 1.0);
    }
    return STATUS_OK;
}

static enum status write_values(struct check *check)
{
    struct single *single = check->single;
    for (int i = 0; i < check->moved_count; i++) {
        const struct moved *moved = &check->moved[i];
        if (moved->parameter < 0) {
            single_write_input(single, 0, moved->input, moved->values);
        }
    }
    if (check->labels != NULL) {
        single_write_input(single, 0, 1, check->labels);
    }
    float *weights;
    TRY(memory_allocate((size_t)check->row->samples, sizeof(float), &weights));
    for (int i = 0; i < check->row->samples; i++) {
        weights[i] = 1.0F;
    }
    single_write_weights(single, 0, weights);
    free(weights);
    if (!check->type->is_loss) {
        single_write_output_gradient(single, 0, check->output_gradient);
    }
    return STATUS_OK;
}

static enum status run(struct check *check, float *output)
{
    TRY(single_run(check->single, 0, NULL, NULL));
    if (!check->type->is_loss) {
        return single_read_output(check->single, 0, output);
    }
    const float *metrics = single_metrics(check->single, 0);
    for (int64_t i = 0; i < check->output_count; i++) {
        output[i] = metrics[i * METRIC_COUNT];
    }
    return STATUS_OK;
}

static enum status read_gradients(struct check *check)
{
    for (int i = 0; i < check->moved_count; i++) {
        struct moved *moved = &check->moved[i];
        if (moved->parameter < 0) {
            TRY(single_read_input_gradient(check->single, 0, moved->input, moved->gradient));
        } else {
            TRY(single_read_parameter_gradient(check->single, 0, 1, moved->parameter, moved->gradient));
        }
    }
    return STATUS_OK;
}

/* Slope of sum(output * output_gradient) between the values as drawn and one element at `value`. */
static enum status slope(struct check *check, struct moved *moved, int64_t index, float value, double *result)
{
    float original = moved->values[index];
    moved->values[index] = value;
    if (moved->parameter < 0) {
        single_write_input(check->single, 0, moved->input, moved->values);
    } else {
        TRY(single_write_parameter(check->single, moved->parameter, moved->values));
    }
    TRY(run(check, check->output));
    moved->values[index] = original;
    if (moved->parameter < 0) {
        single_write_input(check->single, 0, moved->input, moved->values);
    } else {
        TRY(single_write_parameter(check->single, moved->parameter, moved->values));
    }
    double sum = 0.0;
    for (int64_t i = 0; i < check->output_count; i++) {
        sum += ((double)check->output[i] - (double)check->base[i]) * (double)check->output_gradient[i];
    }
    *result = sum / ((double)value - (double)original);
    return STATUS_OK;
}

/*
 * Near a kink (of relu, of a maximum) the slopes on both sides differ, whatever the gradient; the move is then made
 * smaller, to stay on one side. An element whose kink is nearer still is passed over.
 */
static enum status check_element(struct check *check, struct moved *moved, int64_t index, double smallest)
{
    double gradient = (double)moved->gradient[index];
    double step = first_step;
    double error = 0.0;
    for (int i = 0; i < STEPS; i++, step /= 8.0) {
        double above;
        double below;
        TRY(slope(check, moved, index, moved->values[index] + (float)step, &above));
        TRY(slope(check, moved, index, moved->values[index] - (float)step, &below));
        double middle = (above + below) / 2.0;
        double size = fmax(fmax(fabs(gradient), fabs(middle)), smallest);
        error = size > 0.0 ? fabs(gradient - middle) / size : 0.0;
        bool kink = fabs(above - below) > limit * size;
        if (error <= limit || !kink) {
            break;
        }
        if (i == STEPS - 1) {
            return STATUS_OK;
        }
    }
    check->elements++;
    /* Such that NaN is the worst of all. */
    check->worst = !(error <= check->worst) ? error : check->worst;
    return STATUS_OK;
}

static enum status check_tensor(struct check *check, struct moved *moved)
{
    double largest = 0.0;
    for (int64_t i = 0; i < moved->count; i++) {
        largest = fmax(largest, fabs((double)moved->gradient[i]));
    }
    int64_t chosen = moved->count < ELEMENTS ? moved->count : ELEMENTS;
    int before = check->elements;
    for (int64_t i = 0; i < chosen; i++) {
        int64_t index = chosen == moved->count ? i : random_below(&check->random, (uint32_t)moved->count);
        TRY(check_element(check, moved, index, small_share * largest));
    }
    if ((check->elements - before) * 2 < chosen) {
        return fail(STATUS_FAILED, "no slope agrees on both sides for most elements of %s",
                    moved->parameter < 0 ? "an input" : single_parameter(check->single, moved->parameter)->name);
    }
    return STATUS_OK;
}

static enum status check_row(struct check *check, const struct engine_params *engine)
{
    random_init(&check->random, SEED, RANDOM_DATA, 0);
    TRY(make_single(check, engine));
    TRY(draw_inputs(check));
    TRY(draw_parameters(check));
    TRY(write_values(check));
    TRY(run(check, check->base));
    TRY(read_gradients(check));
    for (int i = 0; i < check->moved_count; i++) {
        TRY(check_tensor(check, &check->moved[i]));
    }
    if (!(check->worst <= limit)) {
        return fail(STATUS_FAILED, "gradient and slope differ by %.3g, relative", check->worst);
    }
    return STATUS_OK;
}

static void release_check(struct check *check)
{
    single_destroy(check->single);
    for (int i = 0; i < check->moved_count; i++) {
        free(check->moved[i].values);
        free(check->moved[i].gradient);
    }
    free(check->moved);
    free(check->labels);
    free(check->output_gradient);
    free(check->base);
    free(check->output);
}

static bool check_type(const struct engine_params *engine, const struct layer_type *type, check_report *report,
                       void *context)
{
    int cases = 0;
    bool passed = true;
    for (int i = 0; i < check_case_count; i++) {
        if (strcmp(check_cases[i].type, type->name) != 0) {
            continue;
        }
        struct check check = {.row = &check_cases[i], .type = type};
        enum status status = check_row(&check, engine);
        struct check_result result = {.type = type->name,
                                      .options = check_cases[i].options,
                                      .elements = check.elements,
                                      .worst = check.elements > 0 ? check.worst : (double)NAN,
                                      .limit = limit,
                                      .passed = status == STATUS_OK,
                                      .message = status == STATUS_OK ? "" : status_message()};
        report(context, &result);
        release_check(&check);
        passed = passed && result.passed;
        cases++;
    }
    if (cases == 0) {
        report(context, &(struct check_result){.type = type->name,
                                               .options = "",
                                               .worst = (double)NAN,
                                               .limit = limit,
                                               .message = "this type has no case in compute/check_cases.c"});
    }
    return passed && cases > 0;
}

enum status check_layers(const struct engine_params *engine, check_report *report, void *context, bool *passed)
{
    /* A device that cannot be opened is told once, not by every case. */
    struct engine *opened;
    TRY(engine_create(engine, &opened));
    engine_destroy(opened);
    *passed = true;
    for (int i = 0; layer_types[i] != NULL; i++) {
        if (!check_type(engine, layer_types[i], report, context)) {
            *passed = false;
        }
    }
    return STATUS_OK;
}
