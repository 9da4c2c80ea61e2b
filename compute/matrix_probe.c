#include "compute/matrix_probe.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/shape_tables.h"
#include "compute/single.h"

/*
 * Linear layers without bias: y = x W, dx = dy W^T, dW = x^T dy. Positive sums of many products show whether a device
 * cuts off where it should round; rows that differ by powers of two, how it scales.
 */
struct probe {
    int samples, depth, columns;
    bool positive, scaled;
};
static const struct probe probes[] = {
    {70, 92, 36, .scaled = true},      /* tiles with edges in every direction */
    {70, 4608, 12, .positive = true},  /* many products; cut into parts */
    {8320, 20, 128, .positive = true}, /* large tiles; weights' gradient cut into parts */
};
enum { SEED = 3 };

/* Sums of thousands of floats in a row come to 3e-6 in any class. */
static const double limit = 6e-6;

/* left[rows][depth], right[depth][columns], result[rows][columns]; steps between their rows and columns. */
struct product {
    int rows, depth, columns;
    const float *left, *right, *result;
    int left_row, left_column, right_row, right_column;
};

static double worst_of(const struct product *product)
{
    double worst = 0.0;
    for (int i = 0; i < product->rows; i++) {
        for (int j = 0; j < product->columns; j++) {
            double sum = 0.0, size = DBL_MIN;
            for (int k = 0; k < product->depth; k++) {
                double one = (double)product->left[i * product->left_row + k * product->left_column] *
                             (double)product->right[k * product->right_row + j * product->right_column];
                sum += one;
                size += fabs(one);
            }
            double error = fabs((double)product->result[i * product->columns + j] - sum) / size;
            worst = error <= worst ? worst : error;
        }
    }
    return isnan(worst) ? INFINITY : worst;
}

struct arrays {
    float *x, *w, *dy;
    float *y, *dx, *dw; /* weights as PyTorch has them: [column][k] */
};

static enum status draw(struct random *random, const struct probe *probe, int rows, int columns, bool scaled,
                        float **values)
{
    TRY(memory_allocate((size_t)rows * (size_t)columns, sizeof **values, values));
    for (int i = 0; i < rows * columns; i++) {
        float value = (float)random_normal(random);
        (*values)[i] = ldexpf(probe->positive ? fabsf(value) : value, scaled ? i / columns % 7 * 4 - 12 : 0);
    }
    return STATUS_OK;
}

static enum status make_arrays(const struct probe *probe, struct arrays *arrays)
{
    struct random random;
    random_init(&random, SEED, RANDOM_DATA, 0);
    int rows = probe->samples, depth = probe->depth, columns = probe->columns;
    TRY(draw(&random, probe, rows, depth, probe->scaled, &arrays->x));
    TRY(draw(&random, probe, columns, depth, false, &arrays->w));
    TRY(draw(&random, probe, rows, columns, probe->scaled, &arrays->dy));
    TRY(memory_allocate((size_t)rows * (size_t)columns, sizeof(float), &arrays->y));
    TRY(memory_allocate((size_t)rows * (size_t)depth, sizeof(float), &arrays->dx));
    return memory_allocate((size_t)columns * (size_t)depth, sizeof(float), &arrays->dw);
}

static void release_arrays(struct arrays *arrays)
{
    free(arrays->x);
    free(arrays->w);
    free(arrays->dy);
    free(arrays->y);
    free(arrays->dx);
    free(arrays->dw);
}

static enum status run_layer(const struct engine_params *engine, const struct probe *probe, const struct arrays *arrays)
{
    struct shape input = VECTOR(probe->depth);
    enum dtype dtype = DTYPE_FLOAT32;
    struct single_part all = {.shards = 2, .shard_count = 2};
    char options[64];
    snprintf(options, sizeof options, "features = %d\nbias = no\n", probe->columns);
    struct single_params params = {.engine = engine,
                                   .type = layer_type_find("linear"),
                                   .options = options,
                                   .mode = TAPE_TRAIN,
                                   .samples = probe->samples,
                                   .inputs = &input,
                                   .dtypes = &dtype,
                                   .input_count = 1,
                                   .parts = &all,
                                   .part_count = 1};
    struct single *single = NULL;
    enum status status;
    TRY_OUT(single_create(&params, &single));
    TRY_OUT(single_write_parameter(single, 0, arrays->w));
    single_write_input(single, 0, 0, arrays->x);
    single_write_output_gradient(single, 0, arrays->dy);
    TRY_OUT(single_run(single, 0, NULL, NULL));
    TRY_OUT(single_read_output(single, 0, arrays->y));
    TRY_OUT(single_read_input_gradient(single, 0, 0, arrays->dx));
    TRY_OUT(single_read_parameter_gradient(single, 0, 1, 0, arrays->dw));
out:
    single_destroy(single);
    return status;
}

static double compare(const struct probe *probe, const struct arrays *a)
{
    int rows = probe->samples, depth = probe->depth, columns = probe->columns;
    const struct product products[] = {
        {rows, depth, columns, a->x, a->w, a->y, depth, 1, 1, depth},
        {rows, columns, depth, a->dy, a->w, a->dx, columns, 1, depth, 1},
        {columns, rows, depth, a->dy, a->x, a->dw, 1, columns, depth, 1},
    };
    double worst = 0.0;
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        worst = fmax(worst, worst_of(&products[i]));
    }
    return worst;
}

enum status matrix_probe_measure(const struct engine_params *params, double *error)
{
    *error = 0.0;
    for (size_t i = 0; i < COUNT_OF(probes); i++) {
        struct arrays arrays = {0};
        enum status status = make_arrays(&probes[i], &arrays);
        if (status == STATUS_OK) {
            status = run_layer(params, &probes[i], &arrays);
        }
        if (status == STATUS_OK) {
            *error = fmax(*error, compare(&probes[i], &arrays));
        }
        release_arrays(&arrays);
        TRY(status);
    }
    return STATUS_OK;
}

enum status matrix_probe_create(const struct engine_params *params, struct engine **engine)
{
    TRY(engine_create(params, engine));
    if (engine_class(*engine) != CLASS_GPU_MATRIX || params->kind == ENGINE_NULL) {
        return STATUS_OK;
    }
    const struct device_info *device = engine_device(*engine);
    struct engine_params probe = *params;
    probe.device = device->index;
    probe.share_device = true; /* it is this rank's already */
    probe.tuned = false;
    double error;
    enum status status = matrix_probe_measure(&probe, &error);
    if (status != STATUS_OK) {
        status = fail_context(status, "cooperative matrices on %s: ", device->name);
    } else if (error > limit) {
        status = fail(STATUS_FAILED,
                      "%s multiplies matrices wrongly (an error of %.1e of a sum's products, above %.1e): set "
                      "device.class = gpu, which does without, or install a newer driver",
                      device->name, error, limit);
    }
    if (status != STATUS_OK) {
        engine_destroy(*engine);
        *engine = NULL;
    }
    return status;
}
