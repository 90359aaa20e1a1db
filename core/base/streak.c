#include "core/base/streak.h"

#include "core/base/clock.h"

enum streak_word streak_note(struct streak *streak, bool failed, int64_t now_us)
{
        if (!failed)
                return streak->count > 0 ? STREAK_ENDS : STREAK_SILENT;
        if (streak->count++ == 0) {
                streak->since_us = streak->told_at_us = now_us;
                return STREAK_BEGINS;
        }
        if (now_us - streak->told_at_us < STREAK_EVERY_S * US_PER_S)
                return STREAK_SILENT;
        streak->told_at_us = now_us;
        return STREAK_GOES_ON;
}

void streak_reset(struct streak *streak)
{
        *streak = (struct streak){ 0 };
}
