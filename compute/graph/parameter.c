#include "compute/graph/parameter.h"

#include <math.h>
#include <string.h>

#include "base/random.h"

const char *const initial_names[] = {
    "default", "kaiming_normal", "xavier_uniform", "normal", "zeros", "kaiming_normal_fan_out", NULL};

int64_t parameter_count(const struct parameter *parameter)
{
    int64_t count = 1;
    for (int i = 0; i < parameter->rank; i++) {
        count *= parameter->dim[i];
    }
    return count;
}

/* A walk over the elements in row-major order. */
struct walk {
    int64_t index[PARAMETER_MAX_RANK];
    int64_t step[PARAMETER_MAX_RANK]; /* in memory, along each axis but the first */
    int64_t place;
};

/* Where the elements of an index[0] begin; the other axes are 0. */
static void begin_row(const struct parameter *parameter, struct walk *walk)
{
    walk->place = parameter->place(parameter, walk->index);
    for (int i = 1; i < parameter->rank; i++) {
        walk->index[i] = 1;
        walk->step[i] = parameter->dim[i] > 1 ? parameter->place(parameter, walk->index) - walk->place : 0;
        walk->index[i] = 0;
    }
}

static void walk_on(const struct parameter *parameter, struct walk *walk)
{
    for (int i = parameter->rank - 1; i > 0; i--) {
        walk->place += walk->step[i];
        if (++walk->index[i] < parameter->dim[i]) {
            return;
        }
        walk->place -= walk->step[i] * parameter->dim[i];
        walk->index[i] = 0;
    }
    if (++walk->index[0] < parameter->dim[0]) {
        begin_row(parameter, walk);
    }
}

void parameter_to_dense(const struct parameter *parameter, const float *memory, float *dense)
{
    int64_t count = parameter_count(parameter);
    if (parameter->place == NULL) {
        memcpy(dense, memory, (size_t)count * sizeof(float));
        return;
    }
    struct walk walk = {0};
    begin_row(parameter, &walk);
    for (int64_t i = 0; i < count; i++) {
        dense[i] = memory[walk.place];
        walk_on(parameter, &walk);
    }
}

void parameter_from_dense(const struct parameter *parameter, const float *dense, float *memory)
{
    int64_t count = parameter_count(parameter);
    memset(memory, 0, (size_t)parameter->elements * sizeof(float));
    if (parameter->place == NULL) {
        memcpy(memory, dense, (size_t)count * sizeof(float));
        return;
    }
    struct walk walk = {0};
    begin_row(parameter, &walk);
    for (int64_t i = 0; i < count; i++) {
        memory[walk.place] = dense[i];
        walk_on(parameter, &walk);
    }
}

/* FNV-1a: names pick their own part of the random stream, so adding a layer leaves the others' values alone. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3U;
    }
    return hash;
}

void parameter_initial(const struct parameter *parameter, uint64_t seed, float *dense)
{
    int64_t count = parameter_count(parameter);
    double a = parameter->initial.a;
    if (parameter->initial.kind == INITIAL_CONSTANT) {
        for (int64_t i = 0; i < count; i++) {
            dense[i] = (float)a;
        }
        return;
    }
    struct random random;
    random_init(&random, seed, RANDOM_INITIAL, hash_name(parameter->name));
    for (int64_t i = 0; i < count; i++) {
        double value =
            parameter->initial.kind == INITIAL_UNIFORM ? random_uniform(&random, -a, a) : a * random_normal(&random);
        dense[i] = (float)value;
    }
}

struct initial initial_by_name(enum initial_name name, int64_t fan_in, int64_t fan_out)
{
    double in = (double)(fan_in > 0 ? fan_in : 1);
    double out = (double)(fan_out > 0 ? fan_out : 1);
    switch (name) {
    case INITIAL_DEFAULT:
        return (struct initial){INITIAL_UNIFORM, 1.0 / sqrt(in)};
    case INITIAL_KAIMING_NORMAL:
        return (struct initial){INITIAL_NORMAL, sqrt(2.0 / in)};
    case INITIAL_XAVIER_UNIFORM:
        return (struct initial){INITIAL_UNIFORM, sqrt(6.0 / (in + out))};
    case INITIAL_NAMED_NORMAL:
        return (struct initial){INITIAL_NORMAL, 0.02};
    case INITIAL_KAIMING_NORMAL_FAN_OUT:
        return (struct initial){INITIAL_NORMAL, sqrt(2.0 / out)};
    case INITIAL_ZEROS:
        break;
    }
    return (struct initial){INITIAL_CONSTANT, 0.0};
}
