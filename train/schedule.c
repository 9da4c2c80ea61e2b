#include "train/schedule.h"

#include <math.h>

double schedule_rate(const struct schedule_options *schedule, double base, int64_t step, int64_t total)
{
    if (step < schedule->warmup) {
        return base * (double)(step + 1) / (double)schedule->warmup;
    }
    int64_t behind = step - schedule->warmup;
    switch ((enum schedule_type)schedule->type) {
    case SCHEDULE_CONSTANT:
        return base;
    case SCHEDULE_STEP:
        return base * pow(schedule->gamma, (double)(behind / schedule->every));
    case SCHEDULE_COSINE: {
        int64_t length = total - schedule->warmup;
        double part = length > 1 ? (double)behind / (double)length : 0.0;
        return schedule->minimum + (base - schedule->minimum) * 0.5 * (1.0 + cos(M_PI * fmin(part, 1.0)));
    }
    }
    return base;
}
