/* A dataset in words and characters. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "cli/show.h"
#include "cli/trained.h"
#include "train/options.h"

enum { MOST_COLUMNS = 40, MOST_VALUES = 16, MOST_CLASSES = 20 };

static void print_classes(const struct dataset *dataset)
{
    char name[32];
    printf("%-8s  %" PRId64 ":", "classes", dataset->classes);
    for (int64_t i = 0; i < dataset->classes && i < MOST_CLASSES; i++) {
        printf(" %s", class_name(dataset, i, name, sizeof name));
    }
    printf("%s\n", dataset->classes > MOST_CLASSES ? " ..." : "");
}

/* The mean over the channels of the pixels that fall on one character. */
static double brightness(const float *image, struct shape shape, int64_t step, int64_t row, int64_t column)
{
    double sum = 0;
    double count = 0;
    for (int64_t y = row * step; y < (row + 1) * step && y < shape_height(shape); y++) {
        for (int64_t x = column * step; x < (column + 1) * step && x < shape_width(shape); x++) {
            for (int64_t c = 0; c < shape_channels(shape); c++) {
                sum += (double)image[(y * shape_width(shape) + x) * shape_stride(shape) + c];
                count += 1;
            }
        }
    }
    return sum / count;
}

/* Two characters a pixel, because characters are about twice as high as wide. */
static void draw_image(const float *image, struct shape shape)
{
    static const char shades[] = " .:-=+*#%@";
    int64_t step = divide_up_count(shape_width(shape), MOST_COLUMNS);
    int64_t rows = divide_up_count(shape_height(shape), step);
    int64_t columns = divide_up_count(shape_width(shape), step);
    double least = INFINITY;
    double most = -INFINITY;
    for (int64_t i = 0; i < rows * columns; i++) {
        double value = brightness(image, shape, step, i / columns, i % columns);
        least = fmin(least, value);
        most = fmax(most, value);
    }
    double scale = most > least ? (double)(sizeof shades - 2) / (most - least) : 0;
    for (int64_t row = 0; row < rows; row++) {
        printf("  ");
        for (int64_t column = 0; column < columns; column++) {
            int shade = (int)lround((brightness(image, shape, step, row, column) - least) * scale);
            putchar(shades[shade]);
            putchar(shades[shade]);
        }
        putchar('\n');
    }
}

static void print_values(const struct field *field, const void *data)
{
    int64_t count = shape_count(field->shape);
    printf(" ");
    for (int64_t i = 0; i < count && i < MOST_VALUES; i++) {
        if (field->dtype == DTYPE_INT32) {
            printf(" %" PRId32, ((const int32_t *)data)[i]);
        } else {
            int64_t channels = shape_channels(field->shape);
            printf(" %.6g", (double)((const float *)data)[i / channels * shape_stride(field->shape) + i % channels]);
        }
    }
    printf("%s\n", count > MOST_VALUES ? " ..." : "");
}

static void print_field(const struct dataset *dataset, int index, const void *data)
{
    const struct field *field = &dataset->fields[index];
    char buffer[32];
    if (index == 1 && dataset->classes > 0) {
        int64_t label = *(const int32_t *)data;
        printf("%s: %s\n", field->name, class_name(dataset, label, buffer, sizeof buffer));
        return;
    }
    printf("%s, as the network sees it:\n", field->name);
    if (field->dtype == DTYPE_FLOAT32 && field->shape.rank == 3) {
        draw_image(data, field->shape);
    } else {
        print_values(field, data);
    }
}

static enum status print_sample(const struct dataset *dataset)
{
    void *fields[DATASET_MAX_FIELDS] = {0};
    enum status status = STATUS_OK;
    for (int i = 0; i < dataset->field_count; i++) {
        size_t elements = (size_t)shape_elements(dataset->fields[i].shape, dataset->fields[i].dtype);
        TRY_OUT(memory_allocate(elements, sizeof(float), &fields[i]));
    }
    bool train = dataset->count[SPLIT_TRAIN] > 0;
    TRY_OUT(dataset->type->read(dataset, train ? SPLIT_TRAIN : SPLIT_TEST, 0, 0, fields));
    printf("\nThe first %s sample\n", train ? "training" : "test");
    for (int i = 0; i < dataset->field_count; i++) {
        print_field(dataset, i, fields[i]);
    }
out:
    for (int i = 0; i < dataset->field_count; i++) {
        free(fields[i]);
    }
    return status;
}

static void print_dataset(const struct dataset *dataset)
{
    char text[SHAPE_TEXT_SIZE];
    char digest[DIGEST_TEXT_SIZE];
    printf("%-8s  %s: %s\n", "source", dataset->type->name, dataset->type->help);
    printf("%-8s  %" PRId64 " training, %" PRId64 " test\n", "samples", dataset->count[SPLIT_TRAIN],
           dataset->count[SPLIT_TEST]);
    for (int i = 0; i < dataset->field_count; i++) {
        const struct field *field = &dataset->fields[i];
        printf("%-8s  %s: %s %s\n", i == 0 ? "fields" : "", field->name, shape_format(field->shape, text),
               field->dtype == DTYPE_INT32 ? "int32" : "float32");
    }
    if (dataset->classes > 0) {
        print_classes(dataset);
    }
    for (int64_t i = 0; dataset->target_scale != NULL && i < shape_channels(dataset->fields[1].shape); i++) {
        printf("%-8s  a target of v stands for v * %.6g + %.6g\n", i == 0 ? "units" : "",
               (double)dataset->target_scale[i], (double)dataset->target_offset[i]);
    }
    digest_text(dataset->digest, digest);
    printf("%-8s  %s\n", "digest", digest);
}

enum status show_dataset(struct config *config, const struct checkpoint *saved)
{
    struct run_options run;
    struct dataset *dataset = NULL;
    TRY(config_read(config, option_sections[0].name, option_sections[0].table, &run));
    uint64_t seed = (uint64_t)run.seed;
    option_release(option_sections[0].table, &run);
    TRY(dataset_open(config, seed, saved, &dataset));
    if (dataset == NULL) {
        return config_check(config);
    }
    print_dataset(dataset);
    enum status status = print_sample(dataset);
    dataset_close(dataset);
    return status;
}
