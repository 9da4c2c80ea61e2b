/* What a person sees of a run: a bar with rate and time left on a terminal, plain lines into a file. Rank 0 only. */
#ifndef TRAIN_PROGRESS_BAR_H
#define TRAIN_PROGRESS_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct progress_bar {
    bool terminal, shown;
    int64_t total;
    double last_drawn; /* seconds of a steady clock */
};

struct progress_line {
    int64_t step, epoch; /* steps done; the epoch of the last one, from 1 */
    double loss, learning_rate, samples_per_second, seconds_a_step;
};

void progress_bar_init(struct progress_bar *bar, int64_t total);
/* Draws the bar anew, at most ten times a second; nothing where standard error is no terminal. */
void progress_bar_draw(struct progress_bar *bar, const struct progress_line *line);
/* One line for a logged step, where there is no bar. */
void progress_bar_log(struct progress_bar *bar, const struct progress_line *line);
/* Takes the bar away, before other lines and at the end. */
void progress_bar_clear(struct progress_bar *bar);

#endif
