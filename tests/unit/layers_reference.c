#include "tests/unit/layers_reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static int64_t input_count(const struct reference *r)
{
    return r->samples * shape_count(r->shape);
}

static void run_map(struct reference *r)
{
    for (int64_t i = 0; i < input_count(r); i++) {
        double x = r->x[0][i];
        double y;
        double slope;
        if (strcmp(r->type, "sigmoid") == 0) {
            y = 1 / (1 + exp(-x));
            slope = y * (1 - y);
        } else if (strcmp(r->type, "tanh") == 0) {
            y = tanh(x);
            slope = 1 - y * y;
        } else {
            slope = x > 0 ? 1 : r->slope;
            y = slope * x;
        }
        r->y[i] = y;
        r->dx[0][i] = slope * r->dy[i];
    }
}

static void run_add(struct reference *r)
{
    for (int64_t i = 0; i < input_count(r); i++) {
        r->y[i] = 0;
        for (int j = 0; j < r->input_count; j++) {
            r->y[i] += r->x[j][i];
            r->dx[j][i] = r->dy[i];
        }
    }
}

static void run_dropout(struct reference *r)
{
    int64_t count = shape_count(r->shape);
    int64_t channels = shape_channels(r->shape);
    int64_t positions = shape_positions(r->shape);
    for (int64_t i = 0; i < input_count(r); i++) {
        int64_t element = i % count;
        int64_t channel = r->shape.rank == 2 ? element % channels : element / positions;
        int64_t position = r->shape.rank == 2 ? element / channels : element % positions;
        uint32_t place = (uint32_t)(position * shape_stride(r->shape) + channel);
        struct random_block block = random_philox((uint32_t)r->seed, (uint32_t)(r->seed >> 32), place / 4,
                                                  RANDOM_DROPOUT + 256 * r->layer, (uint32_t)(i / count), r->step);
        bool kept = !r->training || random_float(block.word[place % 4]) >= r->p;
        double scale = r->training ? 1 / (1 - r->p) : 1;
        r->y[i] = kept ? r->x[0][i] * scale : 0;
        r->dx[0][i] = kept ? r->dy[i] * scale : 0;
    }
}

/* One window of one channel; adds to dx. */
static double pool_window(const struct reference *r, const double *x, double *dx, double dy, const int origin[2])
{
    int height = (int)r->shape.dim[1];
    int width = (int)r->shape.dim[2];
    bool takes_max = strcmp(r->type, "max_pool2d") == 0;
    double best = -INFINITY;
    int best_at = -1;
    double sum = 0;
    int count = 0;
    for (int turn = 0; turn < 2; turn++) {
        int whole = r->kernel[0] * r->kernel[1];
        double share = turn == 1 ? dy / (r->count_include_pad ? whole : count) : 0;
        for (int k = 0; k < whole; k++) {
            int i = origin[0] + k / r->kernel[1];
            int j = origin[1] + k % r->kernel[1];
            if (i < 0 || i >= height || j < 0 || j >= width) {
                continue;
            }
            if (turn == 1) {
                dx[i * width + j] += takes_max ? (i * width + j == best_at ? dy : 0) : share;
            } else if (x[i * width + j] > best || isnan(x[i * width + j])) {
                best = x[i * width + j];
                best_at = i * width + j;
            }
            sum += turn == 0 ? x[i * width + j] : 0;
            count += turn == 0 ? 1 : 0;
        }
    }
    return takes_max ? best : sum / (r->count_include_pad ? r->kernel[0] * r->kernel[1] : count);
}

static void run_pool(struct reference *r)
{
    int64_t planes = r->samples * r->shape.dim[0];
    int64_t in = r->shape.dim[1] * r->shape.dim[2];
    int64_t out = shape_positions(r->output);
    memset(r->dx[0], 0, (size_t)input_count(r) * sizeof(double));
    for (int64_t plane = 0; plane < planes; plane++) {
        for (int64_t k = 0; k < out; k++) {
            int width = (int)shape_width(r->output);
            int origin[2] = {(int)k / width * r->stride[0] - r->padding[0],
                             (int)k % width * r->stride[1] - r->padding[1]};
            r->y[plane * out + k] =
                pool_window(r, r->x[0] + plane * in, r->dx[0] + plane * in, r->dy[plane * out + k], origin);
        }
    }
}

static void run_global_avg_pool(struct reference *r)
{
    int64_t positions = shape_positions(r->shape);
    for (int64_t plane = 0; plane < r->samples * r->shape.dim[0]; plane++) {
        double sum = 0;
        for (int64_t k = 0; k < positions; k++) {
            sum += r->x[0][plane * positions + k];
            r->dx[0][plane * positions + k] = r->dy[plane] / (double)positions;
        }
        r->y[plane] = sum / (double)positions;
    }
}

/* Normalises channel `c` over the samples [first, end); `share`: how many shards they are. */
static void run_norm_channel(struct reference *r, int64_t c, int64_t first, int64_t end, double share)
{
    int64_t channels = shape_channels(r->shape);
    int64_t positions = shape_positions(r->shape);
    int64_t position_step = r->shape.rank == 2 ? channels : 1;
    int64_t channel_step = r->shape.rank == 2 ? 1 : positions;
    int mean_at = r->affine ? 2 : 0;
    double weight = r->affine ? r->parameters[0][c] : 1;
    double bias = r->affine ? r->parameters[1][c] : 0;
    double count = (double)((end - first) * positions);
    double mean = 0;
    double square = 0;
    double sum = 0;
    double product = 0;
    double spread = 0;
#define EACH(at, body)                                                                                                 \
    for (int64_t s = first; s < end; s++) {                                                                            \
        for (int64_t k = 0; k < positions; k++) {                                                                      \
            int64_t at = s * channels * positions + c * channel_step + k * position_step;                              \
            body;                                                                                                      \
        }                                                                                                              \
    }
    EACH(i, mean += r->x[0][i] / count)
    EACH(i, square += (r->x[0][i] - mean) * (r->x[0][i] - mean))
    spread = 1 / sqrt(square / count + r->epsilon);
    if (!r->training) {
        mean = r->parameters[mean_at][c];
        spread = 1 / sqrt(r->parameters[mean_at + 1][c] + r->epsilon);
    }
    EACH(i, r->y[i] = (r->x[0][i] - mean) * spread * weight + bias)
    EACH(i, sum += r->dy[i])
    EACH(i, product += r->dy[i] * (r->x[0][i] - mean) * spread)
    EACH(i, r->dx[0][i] = weight * spread * (r->dy[i] - sum / count - (r->x[0][i] - mean) * spread * product / count))
#undef EACH
    if (r->affine) {
        r->gradients[0][c] += product;
        r->gradients[1][c] += sum;
    }
    r->gradients[mean_at][c] += share * mean;
    r->gradients[mean_at + 1][c] += share * square / (count - 1);
}

static void run_batch_norm(struct reference *r)
{
    int parts = r->global ? 1 : r->shards;
    int64_t channels = shape_channels(r->shape);
    for (int i = 0; i < (r->affine ? 4 : 2); i++) {
        memset(r->gradients[i], 0, (size_t)channels * sizeof(double));
    }
    for (int part = 0; part < parts; part++) {
        for (int64_t c = 0; c < channels; c++) {
            int64_t samples = r->samples / parts;
            run_norm_channel(r, c, part * samples, (part + 1) * samples, (double)r->shards / parts);
        }
    }
}

void reference_run(struct reference *r)
{
    if (strcmp(r->type, "add") == 0 || strcmp(r->type, "flatten") == 0) {
        run_add(r);
    } else if (strcmp(r->type, "dropout") == 0) {
        run_dropout(r);
    } else if (strcmp(r->type, "max_pool2d") == 0 || strcmp(r->type, "avg_pool2d") == 0) {
        run_pool(r);
    } else if (strcmp(r->type, "global_avg_pool2d") == 0) {
        run_global_avg_pool(r);
    } else if (strcmp(r->type, "batch_norm") == 0) {
        run_batch_norm(r);
    } else {
        run_map(r);
    }
}
