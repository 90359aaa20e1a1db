/* The same thing failing again and again: told when it begins, once a minute while it goes on, and
 * when it is over, so that hours of it do not fill the log. */
#ifndef CORE_BASE_STREAK_H
#define CORE_BASE_STREAK_H

#include <stdbool.h>
#include <stdint.h>

#define STREAK_EVERY_S 60

struct streak {
        int64_t since_us, told_at_us; /* monotonic */
        uint64_t count;               /* failures in a row; 0: it works */
};

enum streak_word {
        STREAK_SILENT,  /* nothing new */
        STREAK_BEGINS,  /* it failed for the first time */
        STREAK_GOES_ON, /* it still fails, and nothing was said for a minute */
        STREAK_ENDS,    /* it works again; count is how often it had failed */
};

/* What to say of one more attempt. After STREAK_ENDS the caller calls streak_reset. */
enum streak_word streak_note(struct streak *streak, bool failed, int64_t now_us);
void streak_reset(struct streak *streak);

#endif
