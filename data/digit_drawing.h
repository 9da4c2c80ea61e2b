/* Handwritten-looking digits, drawn: strokes of a class with a shaky hand, a pen, and a sheet that lies askew. */
#ifndef DATA_DIGIT_DRAWING_H
#define DATA_DIGIT_DRAWING_H

#include <stdint.h>

#include "base/random.h"

enum {
    DIGIT_CLASSES = 10,
    DIGIT_SIDE = 28, /* pixels */
    DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE,
    DIGIT_DRAWING_VERSION = 1, /* to be raised with every change of the pictures: it is part of the dataset's digest */
};

/*
 * Draws one digit of class `digit` (0..9) in light ink (up to 255) on a dark ground (0), row by row. The picture is a
 * pure function of `random`, from which it takes as many numbers as it likes.
 */
void digit_draw(int digit, struct random *random, uint8_t pixels[DIGIT_PIXELS]);

#endif
