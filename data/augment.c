#include "data/augment.h"

#include <string.h>

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct image {
    float *values;
    int64_t height, width, channels, stride;
};

static float *pixel(const struct image *image, int64_t row, int64_t column)
{
    return image->values + (row * image->width + column) * image->stride;
}

/* Sets columns first .. end - 1 of a row; the channel padding in them is zero already. */
static void fill(const struct image *image, const float *border, int64_t row, int64_t first, int64_t end)
{
    for (int64_t column = first; column < end; column++) {
        memcpy(pixel(image, row, column), border, (size_t)image->channels * sizeof *border);
    }
}

/* image[row][column] = image[row + down][column + right], the border where that lies outside. */
static void shift(const struct image *image, const float *border, int64_t down, int64_t right)
{
    int64_t first = larger(0, -right);
    int64_t end = image->width - larger(0, right);
    size_t size = (size_t)((end - first) * image->stride) * sizeof *image->values;
    for (int64_t i = 0; i < image->height; i++) {
        /* In place, so a row must be read before it is written. */
        int64_t row = down >= 0 ? i : image->height - 1 - i;
        int64_t source = row + down;
        if (source < 0 || source >= image->height) {
            fill(image, border, row, 0, image->width);
        } else {
            memmove(pixel(image, row, first), pixel(image, source, first + right), size);
            fill(image, border, row, 0, first);
            fill(image, border, row, end, image->width);
        }
    }
}

static void mirror(const struct image *image)
{
    for (int64_t row = 0; row < image->height; row++) {
        for (int64_t column = 0; column < image->width / 2; column++) {
            float *left = pixel(image, row, column);
            float *right = pixel(image, row, image->width - 1 - column);
            for (int64_t channel = 0; channel < image->channels; channel++) {
                float value = left[channel];
                left[channel] = right[channel];
                right[channel] = value;
            }
        }
    }
}

void augment_image(const struct augmentation *augmentation, struct random *random, struct shape shape,
                   const float *border, float *values)
{
    const struct image image = {.values = values,
                                .height = shape_height(shape),
                                .width = shape_width(shape),
                                .channels = shape_channels(shape),
                                .stride = shape_stride(shape)};
    bool flip = augmentation->flip && random_below(random, 2) == 1;
    if (augmentation->crop_padding > 0) {
        int64_t padding = augmentation->crop_padding;
        int64_t down = (int64_t)random_below(random, (uint32_t)(2 * padding + 1)) - padding;
        int64_t right = (int64_t)random_below(random, (uint32_t)(2 * padding + 1)) - padding;
        shift(&image, border, down, right);
    }
    if (flip) {
        mirror(&image);
    }
}
