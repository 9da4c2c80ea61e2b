#include "compute/matrix_probe.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/shape_tables.h"
#include "compute/single.h"

/*
 * A linear layer without bias: y = x W, dx = dy W^T, dW = x^T dy. Tiles have edges in every direction. Rows differ by
 * powers of two, for the kernels scale each by itself.
 */
enum { ROWS = 70, DEPTH = 92, COLUMNS = 36, SEED = 3 };

/* Of floats as two halves each: 2^-21 and the rounding of sums. */
static const double limit = 2e-6;

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
    float x[ROWS * DEPTH], w[COLUMNS * DEPTH], dy[ROWS * COLUMNS];
    float y[ROWS * COLUMNS], dx[ROWS * DEPTH], dw[COLUMNS * DEPTH]; /* weights as PyTorch has them: [column][k] */
};

static void draw(struct random *random, int rows, int columns, bool scaled, float *values)
{
    for (int i = 0; i < rows * columns; i++) {
        values[i] = ldexpf((float)random_normal(random), scaled ? i / columns % 7 * 4 - 12 : 0);
    }
}

static enum status run(struct single *single, struct arrays *arrays)
{
    TRY(single_write_parameter(single, 0, arrays->w));
    single_write_input(single, 0, 0, arrays->x);
    single_write_output_gradient(single, 0, arrays->dy);
    TRY(single_run(single, 0, NULL, NULL));
    TRY(single_read_output(single, 0, arrays->y));
    TRY(single_read_input_gradient(single, 0, 0, arrays->dx));
    return single_read_parameter_gradient(single, 0, 1, 0, arrays->dw);
}

static double compare(const struct arrays *a)
{
    const struct product products[] = {
        {ROWS, DEPTH, COLUMNS, a->x, a->w, a->y, DEPTH, 1, 1, DEPTH},
        {ROWS, COLUMNS, DEPTH, a->dy, a->w, a->dx, COLUMNS, 1, DEPTH, 1},
        {COLUMNS, ROWS, DEPTH, a->dy, a->x, a->dw, 1, COLUMNS, DEPTH, 1},
    };
    double worst = 0.0;
    for (size_t i = 0; i < COUNT_OF(products); i++) {
        worst = fmax(worst, worst_of(&products[i]));
    }
    return worst;
}

enum status matrix_probe_measure(const struct engine_params *params, double *error)
{
    struct shape input = VECTOR(DEPTH);
    enum dtype dtype = DTYPE_FLOAT32;
    struct single_part all = {.shards = 2, .shard_count = 2};
    struct single_params probe = {.engine = params,
                                  .type = layer_type_find("linear"),
                                  .options = "features = 36\nbias = no\n",
                                  .mode = TAPE_TRAIN,
                                  .samples = ROWS,
                                  .inputs = &input,
                                  .dtypes = &dtype,
                                  .input_count = 1,
                                  .parts = &all,
                                  .part_count = 1};
    struct arrays *arrays;
    TRY(memory_allocate(1, sizeof *arrays, &arrays));
    struct random random;
    random_init(&random, SEED, RANDOM_DATA, 0);
    draw(&random, ROWS, DEPTH, true, arrays->x);
    draw(&random, COLUMNS, DEPTH, false, arrays->w);
    draw(&random, ROWS, COLUMNS, true, arrays->dy);
    struct single *single = NULL;
    enum status status = single_create(&probe, &single);
    if (status == STATUS_OK) {
        status = run(single, arrays);
        *error = compare(arrays);
    }
    single_destroy(single);
    free(arrays);
    return status;
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
