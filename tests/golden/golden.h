/* What generate.py wrote: cases in HDF5 groups, arrays drawn from Philox, expected values. */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include <hdf5.h>
#include <stdint.h>

#include "base/status.h"
#include "compute/engine.h"

/* Array numbers of a case, as in generate.py. */
enum {
    GOLDEN_INPUT = 0,
    GOLDEN_PARAMETER = 16,
    GOLDEN_OUTPUT_GRADIENT = 32,
    GOLDEN_WITNESS = 48,
    GOLDEN_LABEL = 64,
    GOLDEN_SAMPLE_WEIGHTS = 65,
    GOLDEN_STEP_GRADIENTS = 100,
};

/* Arguments of a test program: FOLDER CLASS [validation]. CLASS: "cpu", "gpu" or "matrix"; "best": the device's. */
struct golden_arguments {
    const char *folder;
    struct engine_params engine;
};
enum status golden_parse(int argc, char **argv, struct golden_arguments *arguments) MUST_CHECK;

/* Whether the device can run that class of kernels. */
bool golden_can_run(const struct golden_arguments *arguments);
/* What a test program then returns: skipped. */
enum { GOLDEN_SKIPPED = 77 };

/* FOLDER/NAME.h5. STATUS_NOT_FOUND where there is none. */
enum status golden_open(const char *folder, const char *name, hid_t *file) MUST_CHECK;
/* Calls `visit` for every group of the file by name; ends at the first that fails. */
typedef enum status golden_visit(void *context, hid_t group, const char *name);
enum status golden_each(hid_t file, golden_visit *visit, void *context) MUST_CHECK;

/* Attributes. Those that are missing, or too long for their room, fail. */
enum status golden_integer(hid_t group, const char *name, int64_t *value) MUST_CHECK;
enum status golden_number(hid_t group, const char *name, double *value) MUST_CHECK;
enum status golden_integers(hid_t group, const char *name, int64_t *values, int capacity, int *count) MUST_CHECK;
enum status golden_numbers(hid_t group, const char *name, double *values, int capacity, int *count) MUST_CHECK;
enum status golden_text(hid_t group, const char *name, char *text, size_t size) MUST_CHECK;
bool golden_has(hid_t group, const char *name); /* a data set or group */

/* Array `array` of the case: the first `count` elements, uniform in [low, high). The caller frees *values. */
enum status golden_draw(int64_t seed, int array, int64_t count, double low, double high, float **values) MUST_CHECK;
enum status golden_draw_words(int64_t seed, int array, int64_t count, uint32_t **words) MUST_CHECK;

/*
 * Compares all of an expected array: *error gets the largest difference relative to the array's largest value, over the
 * elements stored and, scaled to what one element's error does to it, over the product with the witness. NaN is
 * infinite.
 */
enum status golden_compare(hid_t group, const char *name, int64_t seed, const float *actual, int64_t count,
                           double *error) MUST_CHECK;

#endif
