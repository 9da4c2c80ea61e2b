#include "train/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

enum { BAR_WIDTH = 24 };

void progress_bar_init(struct progress_bar *bar, int64_t total)
{
    *bar = (struct progress_bar){.terminal = isatty(STDERR_FILENO) == 1, .total = total};
}

static void format_time(double seconds, char *text, size_t size)
{
    int64_t whole = (int64_t)seconds;
    if (whole >= 3600) {
        snprintf(text, size, "%" PRId64 ":%02" PRId64 ":%02" PRId64, whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        snprintf(text, size, "%" PRId64 ":%02" PRId64, whole / 60, whole % 60);
    }
}

void progress_bar_draw(struct progress_bar *bar, const struct progress_line *line)
{
    double now = clock_now();
    if (!bar->terminal || now - bar->last_drawn < 0.1) {
        return;
    }
    char filled[BAR_WIDTH + 1];
    char left[32];
    int64_t done = bar->total > 0 ? line->step * BAR_WIDTH / bar->total : BAR_WIDTH;
    for (int i = 0; i < BAR_WIDTH; i++) {
        filled[i] = i < done ? '=' : i == done ? '>' : ' ';
    }
    filled[BAR_WIDTH] = '\0';
    format_time((double)(bar->total - line->step) * line->seconds_a_step, left, sizeof left);
    fprintf(stderr, "\r[%s] %" PRId64 "/%" PRId64 "  loss %.5g  %.0f samples/s  %s left\033[K", filled, line->step,
            bar->total, line->loss, line->samples_per_second, left);
    fflush(stderr);
    bar->last_drawn = now;
    bar->shown = true;
}

void progress_bar_log(struct progress_bar *bar, const struct progress_line *line)
{
    if (!bar->terminal) {
        log_info("step %" PRId64 "/%" PRId64 "  epoch %" PRId64 "  loss %.6g  learning rate %.4g  %.0f samples/s",
                 line->step, bar->total, line->epoch, line->loss, line->learning_rate, line->samples_per_second);
    }
}

void progress_bar_clear(struct progress_bar *bar)
{
    if (bar->shown) {
        fprintf(stderr, "\r\033[K");
        fflush(stderr);
        bar->shown = false;
    }
}
