#include "data/pixels.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "data/saved.h"

static float normalize(const struct pixels *pixels, uint8_t byte, int64_t channel)
{
    return ((float)byte / 255.0F - pixels->mean[channel]) / pixels->deviation[channel];
}

/* Exact: bytes are counted before they are added. */
static void learn_channel(struct pixels *pixels, const struct pixel_images *images, int64_t channel)
{
    const int64_t positions = shape_positions(pixels->shape);
    uint64_t histogram[256] = {0};
    for (int64_t i = 0; i < images->count; i++) {
        const uint8_t *plane = images->first + i * images->step + channel * positions;
        for (int64_t position = 0; position < positions; position++) {
            histogram[plane[position]]++;
        }
    }
    double count = (double)images->count * (double)positions;
    double sum = 0.0;
    for (int value = 0; value < 256; value++) {
        sum += (double)histogram[value] * (double)value / 255.0;
    }
    double mean = sum / count;
    double squares = 0.0;
    for (int value = 0; value < 256; value++) {
        double distance = (double)value / 255.0 - mean;
        squares += (double)histogram[value] * distance * distance;
    }
    pixels->mean[channel] = (float)mean;
    float deviation = (float)sqrt(squares / count);
    pixels->deviation[channel] = deviation > 0.0F ? deviation : 1.0F;
}

enum status pixels_init(struct pixels *pixels, struct shape shape, const struct pixel_images *images,
                        const struct checkpoint *saved)
{
    const int64_t channels = shape_channels(shape);
    pixels->shape = shape;
    TRY(memory_allocate((size_t)channels, sizeof *pixels->mean, &pixels->mean));
    TRY(memory_allocate((size_t)channels, sizeof *pixels->deviation, &pixels->deviation));
    TRY(memory_allocate((size_t)channels, sizeof *pixels->black, &pixels->black));
    if (saved != NULL) {
        TRY(saved_floats(saved, "data/mean", channels, pixels->mean));
        TRY(saved_scales(saved, "data/std", channels, pixels->deviation));
    }
    for (int64_t channel = 0; channel < channels; channel++) {
        if (saved == NULL) {
            learn_channel(pixels, images, channel);
        }
        pixels->black[channel] = normalize(pixels, 0, channel);
    }
    return STATUS_OK;
}

void pixels_release(struct pixels *pixels)
{
    free(pixels->mean);
    free(pixels->deviation);
    free(pixels->black);
    *pixels = (struct pixels){0};
}

void pixels_write(const struct pixels *pixels, const uint8_t *bytes, float *image)
{
    const int64_t channels = shape_channels(pixels->shape);
    const int64_t positions = shape_positions(pixels->shape);
    const int64_t stride = shape_stride(pixels->shape);
    for (int64_t position = 0; position < positions; position++) {
        for (int64_t channel = 0; channel < channels; channel++) {
            image[position * stride + channel] = normalize(pixels, bytes[channel * positions + position], channel);
        }
        for (int64_t channel = channels; channel < stride; channel++) {
            image[position * stride + channel] = 0.0F;
        }
    }
}

void pixels_arrays(const struct pixels *pixels, struct array arrays[PIXELS_ARRAYS])
{
    const int64_t channels = shape_channels(pixels->shape);
    arrays[0] = saved_vector("data/mean", channels, pixels->mean);
    arrays[1] = saved_vector("data/std", channels, pixels->deviation);
}

enum status pixels_digest(const struct pixels *pixels, struct digest *digest)
{
    size_t size = (size_t)shape_channels(pixels->shape) * sizeof(float);
    TRY(digest_add(digest, pixels->mean, size));
    return digest_add(digest, pixels->deviation, size);
}
