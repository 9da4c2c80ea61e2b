/*
 * A digit is a few strokes, each a list of points: a smooth point is passed on a Catmull-Rom spline, a corner ends one
 * spline and begins the next. Points lie in a unit box, x to the right and y down.
 */
#include "data/digit_drawing.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

enum { MAX_POINTS = 20, MAX_VARIANTS = 4, STEPS = 5 /* straight pieces of the spline between two points */ };

enum point_kind { END, BEGIN, SMOOTH, CORNER };

struct point {
    enum point_kind kind;
    float x, y;
};

/* How one class is written: a few ways each. A variant ends with the kind END, which is zero. */
static const struct point variants[DIGIT_CLASSES][MAX_VARIANTS][MAX_POINTS + 1] = {
    [0] = {{{BEGIN, 0.52F, 0.02F},
            {SMOOTH, 0.30F, 0.14F},
            {SMOOTH, 0.20F, 0.50F},
            {SMOOTH, 0.30F, 0.87F},
            {SMOOTH, 0.50F, 0.98F},
            {SMOOTH, 0.71F, 0.86F},
            {SMOOTH, 0.80F, 0.50F},
            {SMOOTH, 0.70F, 0.14F},
            {SMOOTH, 0.50F, 0.02F}},
           {{BEGIN, 0.62F, 0.06F},
            {SMOOTH, 0.42F, 0.04F},
            {SMOOTH, 0.26F, 0.35F},
            {SMOOTH, 0.27F, 0.75F},
            {SMOOTH, 0.46F, 0.98F},
            {SMOOTH, 0.68F, 0.80F},
            {SMOOTH, 0.74F, 0.42F},
            {SMOOTH, 0.64F, 0.10F},
            {SMOOTH, 0.48F, 0.10F}}},
    [1] = {{{BEGIN, 0.51F, 0.00F}, {SMOOTH, 0.50F, 0.50F}, {SMOOTH, 0.50F, 1.00F}},
           {{BEGIN, 0.33F, 0.22F}, {CORNER, 0.54F, 0.00F}, {SMOOTH, 0.53F, 0.50F}, {SMOOTH, 0.52F, 1.00F}},
           {{BEGIN, 0.34F, 0.20F},
            {CORNER, 0.53F, 0.00F},
            {SMOOTH, 0.52F, 0.50F},
            {SMOOTH, 0.52F, 0.98F},
            {BEGIN, 0.30F, 0.99F},
            {SMOOTH, 0.74F, 0.98F}}},
    [2] = {{{BEGIN, 0.22F, 0.25F},
            {SMOOTH, 0.36F, 0.05F},
            {SMOOTH, 0.60F, 0.03F},
            {SMOOTH, 0.75F, 0.22F},
            {SMOOTH, 0.65F, 0.48F},
            {SMOOTH, 0.42F, 0.75F},
            {CORNER, 0.20F, 0.97F},
            {SMOOTH, 0.50F, 0.95F},
            {SMOOTH, 0.82F, 0.96F}},
           {{BEGIN, 0.24F, 0.20F},
            {SMOOTH, 0.42F, 0.03F},
            {SMOOTH, 0.68F, 0.08F},
            {SMOOTH, 0.72F, 0.32F},
            {SMOOTH, 0.56F, 0.62F},
            {SMOOTH, 0.33F, 0.90F},
            {SMOOTH, 0.20F, 0.92F},
            {SMOOTH, 0.22F, 0.79F},
            {SMOOTH, 0.38F, 0.80F},
            {SMOOTH, 0.58F, 0.94F},
            {SMOOTH, 0.82F, 0.90F}}},
    [3] = {{{BEGIN, 0.22F, 0.15F},
            {SMOOTH, 0.46F, 0.02F},
            {SMOOTH, 0.70F, 0.14F},
            {SMOOTH, 0.65F, 0.36F},
            {CORNER, 0.42F, 0.46F},
            {SMOOTH, 0.70F, 0.58F},
            {SMOOTH, 0.75F, 0.80F},
            {SMOOTH, 0.50F, 0.98F},
            {SMOOTH, 0.20F, 0.86F}},
           {{BEGIN, 0.24F, 0.04F},
            {CORNER, 0.73F, 0.04F},
            {CORNER, 0.45F, 0.40F},
            {SMOOTH, 0.71F, 0.53F},
            {SMOOTH, 0.75F, 0.80F},
            {SMOOTH, 0.50F, 0.98F},
            {SMOOTH, 0.20F, 0.88F}},
           {{BEGIN, 0.24F, 0.10F},
            {SMOOTH, 0.48F, 0.02F},
            {SMOOTH, 0.70F, 0.18F},
            {SMOOTH, 0.58F, 0.40F},
            {SMOOTH, 0.42F, 0.47F},
            {SMOOTH, 0.60F, 0.52F},
            {SMOOTH, 0.74F, 0.76F},
            {SMOOTH, 0.48F, 0.97F},
            {SMOOTH, 0.22F, 0.92F}}},
    [4] = {{{BEGIN, 0.28F, 0.05F},
            {SMOOTH, 0.23F, 0.34F},
            {CORNER, 0.20F, 0.60F},
            {SMOOTH, 0.52F, 0.60F},
            {SMOOTH, 0.85F, 0.57F},
            {BEGIN, 0.67F, 0.10F},
            {SMOOTH, 0.65F, 0.50F},
            {SMOOTH, 0.62F, 1.00F}},
           {{BEGIN, 0.62F, 0.02F},
            {SMOOTH, 0.40F, 0.32F},
            {CORNER, 0.16F, 0.66F},
            {SMOOTH, 0.50F, 0.67F},
            {SMOOTH, 0.86F, 0.65F},
            {BEGIN, 0.63F, 0.02F},
            {SMOOTH, 0.62F, 0.50F},
            {SMOOTH, 0.62F, 1.00F}},
           {{BEGIN, 0.25F, 0.05F},
            {SMOOTH, 0.22F, 0.38F},
            {SMOOTH, 0.42F, 0.52F},
            {SMOOTH, 0.70F, 0.42F},
            {BEGIN, 0.74F, 0.02F},
            {SMOOTH, 0.70F, 0.50F},
            {SMOOTH, 0.66F, 1.00F}}},
    [5] = {{{BEGIN, 0.76F, 0.03F},
            {CORNER, 0.33F, 0.04F},
            {CORNER, 0.27F, 0.43F},
            {SMOOTH, 0.50F, 0.37F},
            {SMOOTH, 0.75F, 0.55F},
            {SMOOTH, 0.70F, 0.85F},
            {SMOOTH, 0.45F, 0.98F},
            {SMOOTH, 0.20F, 0.88F}},
           {{BEGIN, 0.34F, 0.08F},
            {SMOOTH, 0.31F, 0.24F},
            {CORNER, 0.30F, 0.42F},
            {SMOOTH, 0.54F, 0.40F},
            {SMOOTH, 0.74F, 0.62F},
            {SMOOTH, 0.64F, 0.90F},
            {SMOOTH, 0.40F, 0.98F},
            {SMOOTH, 0.22F, 0.92F},
            {BEGIN, 0.34F, 0.06F},
            {SMOOTH, 0.56F, 0.06F},
            {SMOOTH, 0.80F, 0.02F}},
           {{BEGIN, 0.70F, 0.03F},
            {SMOOTH, 0.48F, 0.06F},
            {SMOOTH, 0.32F, 0.20F},
            {SMOOTH, 0.36F, 0.42F},
            {SMOOTH, 0.62F, 0.56F},
            {SMOOTH, 0.66F, 0.82F},
            {SMOOTH, 0.46F, 0.98F},
            {SMOOTH, 0.22F, 0.90F}}},
    [6] = {{{BEGIN, 0.66F, 0.02F},
            {SMOOTH, 0.40F, 0.20F},
            {SMOOTH, 0.25F, 0.55F},
            {SMOOTH, 0.28F, 0.86F},
            {SMOOTH, 0.50F, 0.98F},
            {SMOOTH, 0.73F, 0.82F},
            {SMOOTH, 0.66F, 0.58F},
            {SMOOTH, 0.45F, 0.54F},
            {SMOOTH, 0.27F, 0.72F}},
           {{BEGIN, 0.46F, 0.00F},
            {SMOOTH, 0.31F, 0.32F},
            {SMOOTH, 0.25F, 0.70F},
            {SMOOTH, 0.38F, 0.96F},
            {SMOOTH, 0.64F, 0.94F},
            {SMOOTH, 0.72F, 0.74F},
            {SMOOTH, 0.56F, 0.62F},
            {SMOOTH, 0.32F, 0.72F}}},
    [7] = {{{BEGIN, 0.20F, 0.05F}, {CORNER, 0.78F, 0.05F}, {SMOOTH, 0.60F, 0.42F}, {SMOOTH, 0.44F, 1.00F}},
           {{BEGIN, 0.20F, 0.05F},
            {CORNER, 0.78F, 0.05F},
            {SMOOTH, 0.60F, 0.42F},
            {SMOOTH, 0.44F, 1.00F},
            {BEGIN, 0.34F, 0.50F},
            {SMOOTH, 0.74F, 0.47F}},
           {{BEGIN, 0.22F, 0.20F},
            {CORNER, 0.23F, 0.05F},
            {CORNER, 0.77F, 0.06F},
            {SMOOTH, 0.66F, 0.36F},
            {SMOOTH, 0.58F, 1.00F}}},
    [8] = {{{BEGIN, 0.68F, 0.16F},
            {SMOOTH, 0.48F, 0.02F},
            {SMOOTH, 0.28F, 0.20F},
            {SMOOTH, 0.46F, 0.43F},
            {SMOOTH, 0.70F, 0.64F},
            {SMOOTH, 0.70F, 0.88F},
            {SMOOTH, 0.48F, 0.98F},
            {SMOOTH, 0.26F, 0.86F},
            {SMOOTH, 0.30F, 0.65F},
            {SMOOTH, 0.54F, 0.43F},
            {SMOOTH, 0.71F, 0.26F},
            {SMOOTH, 0.67F, 0.12F}},
           {{BEGIN, 0.52F, 0.02F},
            {SMOOTH, 0.32F, 0.12F},
            {SMOOTH, 0.34F, 0.36F},
            {SMOOTH, 0.52F, 0.45F},
            {SMOOTH, 0.70F, 0.32F},
            {SMOOTH, 0.68F, 0.10F},
            {SMOOTH, 0.50F, 0.02F},
            {BEGIN, 0.50F, 0.45F},
            {SMOOTH, 0.27F, 0.60F},
            {SMOOTH, 0.27F, 0.86F},
            {SMOOTH, 0.50F, 0.98F},
            {SMOOTH, 0.74F, 0.86F},
            {SMOOTH, 0.73F, 0.60F},
            {SMOOTH, 0.52F, 0.45F}}},
    [9] = {{{BEGIN, 0.70F, 0.20F},
            {SMOOTH, 0.50F, 0.03F},
            {SMOOTH, 0.28F, 0.18F},
            {SMOOTH, 0.30F, 0.42F},
            {SMOOTH, 0.52F, 0.47F},
            {SMOOTH, 0.69F, 0.32F},
            {CORNER, 0.73F, 0.14F},
            {SMOOTH, 0.69F, 0.58F},
            {SMOOTH, 0.62F, 1.00F}},
           {{BEGIN, 0.68F, 0.14F},
            {SMOOTH, 0.46F, 0.03F},
            {SMOOTH, 0.27F, 0.24F},
            {SMOOTH, 0.40F, 0.47F},
            {SMOOTH, 0.64F, 0.36F},
            {CORNER, 0.72F, 0.16F},
            {SMOOTH, 0.74F, 0.55F},
            {SMOOTH, 0.62F, 0.90F},
            {SMOOTH, 0.30F, 0.95F}}},
};

/* What differs between two pictures of one variant, beside the shaking of its points. */
struct hand {
    float xx, xy, yx, yy;        /* box to pixels, about the middle */
    float middle_x, middle_y;    /* pixels */
    float bend[2], phase[2];     /* slow waves: x by y, and y by x, in units of the box */
    float radius, radius_change; /* of the pen in pixels, from the first point to the last */
    float blur;                  /* width of the ink's edge in pixels */
    float ink;                   /* 0..1 */
};

struct canvas {
    float ink[DIGIT_SIDE][DIGIT_SIDE];
};

static float between(struct random *random, float low, float high)
{
    return low + (high - low) * random_float(random_next(random));
}

/* Roughly normal, in [-3, 3]: the sum of uniform numbers is cheaper than a logarithm and as good a hand. */
static float around_zero(struct random *random)
{
    float sum = 0.0F;
    for (int i = 0; i < 3; i++) {
        sum += between(random, -1.0F, 1.0F);
    }
    return sum;
}

static struct hand hand_draw(struct random *random)
{
    float angle = 0.18F * around_zero(random);
    float shear = 0.18F * around_zero(random);
    float height = between(random, 15.0F, 21.5F);
    float width = height * between(random, 0.72F, 1.15F);
    struct hand hand;
    hand.xx = cosf(angle) * width;
    hand.xy = -sinf(angle) * height - shear * height;
    hand.yx = sinf(angle) * width;
    hand.yy = cosf(angle) * height;
    hand.middle_x = 13.5F + 1.0F * around_zero(random);
    hand.middle_y = 13.5F + 1.0F * around_zero(random);
    for (int i = 0; i < 2; i++) {
        hand.bend[i] = 0.05F * around_zero(random);
        hand.phase[i] = between(random, 0.0F, 6.2831853F);
    }
    hand.radius = between(random, 0.55F, 1.45F);
    hand.radius_change = between(random, -0.3F, 0.3F);
    hand.blur = between(random, 0.8F, 1.4F);
    hand.ink = between(random, 0.75F, 1.0F);
    return hand;
}

/* Moves the points of a variant as this hand would and brings them to pixels; returns how many there are. */
static int write_points(const struct point *variant, const struct hand *hand, struct random *random,
                        struct point *points)
{
    int count = 0;
    for (; variant[count].kind != END; count++) {
        float x = variant[count].x - 0.5F + 0.028F * around_zero(random);
        float y = variant[count].y - 0.5F + 0.028F * around_zero(random);
        float bent_x = x + hand->bend[0] * sinf(4.0F * y + hand->phase[0]);
        float bent_y = y + hand->bend[1] * sinf(4.0F * x + hand->phase[1]);
        points[count].kind = variant[count].kind;
        points[count].x = hand->middle_x + hand->xx * bent_x + hand->xy * bent_y;
        points[count].y = hand->middle_y + hand->yx * bent_x + hand->yy * bent_y;
    }
    points[count].kind = END;
    return count;
}

static float clamp(float value, float low, float high)
{
    return fminf(fmaxf(value, low), high);
}

/* A straight piece with a round pen: each pixel takes the most ink that any piece gives it. */
static void draw_piece(struct canvas *canvas, struct point from, struct point to, float radius, float blur)
{
    float reach = radius + blur;
    int left = (int)clamp(floorf(fminf(from.x, to.x) - reach), 0.0F, DIGIT_SIDE);
    int right = (int)clamp(ceilf(fmaxf(from.x, to.x) + reach) + 1.0F, 0.0F, DIGIT_SIDE);
    int top = (int)clamp(floorf(fminf(from.y, to.y) - reach), 0.0F, DIGIT_SIDE);
    int bottom = (int)clamp(ceilf(fmaxf(from.y, to.y) + reach) + 1.0F, 0.0F, DIGIT_SIDE);
    float dx = to.x - from.x;
    float dy = to.y - from.y;
    float scale = 1.0F / fmaxf(dx * dx + dy * dy, 1e-9F);
    for (int row = top; row < bottom; row++) {
        for (int column = left; column < right; column++) {
            float x = (float)column - from.x;
            float y = (float)row - from.y;
            float along = clamp((x * dx + y * dy) * scale, 0.0F, 1.0F);
            float away_x = x - along * dx;
            float away_y = y - along * dy;
            float distance = sqrtf(away_x * away_x + away_y * away_y);
            float ink = clamp(0.5F + (radius - distance) / blur, 0.0F, 1.0F);
            canvas->ink[row][column] = fmaxf(canvas->ink[row][column], ink);
        }
    }
}

/* Catmull-Rom between b and c, t in 0..1. */
static struct point on_spline(struct point a, struct point b, struct point c, struct point d, float t)
{
    float wa = ((-t + 2.0F) * t - 1.0F) * t * 0.5F;
    float wb = ((3.0F * t - 5.0F) * t * t + 2.0F) * 0.5F;
    float wc = ((-3.0F * t + 4.0F) * t + 1.0F) * t * 0.5F;
    float wd = (t - 1.0F) * t * t * 0.5F;
    return (struct point){
        .kind = SMOOTH, .x = wa * a.x + wb * b.x + wc * c.x + wd * d.x, .y = wa * a.y + wb * b.y + wc * c.y + wd * d.y};
}

static void draw_strokes(struct canvas *canvas, const struct point *points, int count, const struct hand *hand)
{
    for (int i = 0; i + 1 < count; i++) {
        struct point b = points[i];
        struct point c = points[i + 1];
        if (c.kind == BEGIN) {
            continue;
        }
        bool starts = b.kind != SMOOTH;
        bool ends = c.kind != SMOOTH || i + 2 >= count || points[i + 2].kind == BEGIN;
        struct point a = starts ? b : points[i - 1];
        struct point d = ends ? c : points[i + 2];
        struct point from = b;
        for (int step = 1; step <= STEPS; step++) {
            struct point to = on_spline(a, b, c, d, (float)step / STEPS);
            float way = ((float)i + (float)step / STEPS) / (float)count;
            float radius = hand->radius * (1.0F + hand->radius_change * (2.0F * way - 1.0F));
            draw_piece(canvas, from, to, radius, hand->blur);
            from = to;
        }
    }
}

static int variant_count(int digit)
{
    int count = 0;
    while (count < MAX_VARIANTS && variants[digit][count][0].kind != END) {
        count++;
    }
    return count;
}

void digit_draw(int digit, struct random *random, uint8_t pixels[DIGIT_PIXELS])
{
    struct hand hand = hand_draw(random);
    uint32_t variant = random_below(random, (uint32_t)variant_count(digit));
    struct point points[MAX_POINTS + 1];
    int count = write_points(variants[digit][variant], &hand, random, points);
    struct canvas canvas;
    memset(&canvas, 0, sizeof canvas);
    draw_strokes(&canvas, points, count, &hand);

    const float *ink = &canvas.ink[0][0];
    uint32_t grain = 0;
    for (int i = 0; i < DIGIT_PIXELS; i++) {
        grain = i % 4 == 0 ? random_next(random) : grain >> 8;
        /* The ink is grainy, and the ground has a little dust. */
        float noise = (float)(grain & 0xFF) / 255.0F - 0.5F;
        float value = ink[i] * (hand.ink + 0.2F * noise) + 0.06F * noise;
        pixels[i] = (uint8_t)(clamp(value, 0.0F, 1.0F) * 255.0F + 0.5F);
    }
}
