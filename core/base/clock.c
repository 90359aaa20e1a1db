#include "core/base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
        struct timespec ts;

        clock_gettime(id, &ts);
        return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static int64_t system_wall(const struct clock *clock)
{
        (void)clock;
        return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono(const struct clock *clock)
{
        (void)clock;
        return read_clock(CLOCK_MONOTONIC);
}

static void system_sleep(const struct clock *clock, int64_t us)
{
        int64_t until_us = system_mono(clock) + us;
        const struct timespec until = { until_us / US_PER_S, until_us % US_PER_S * 1000 };

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
                ;
}

static int64_t fake_now(const struct clock *clock)
{
        return clock->fake_us;
}

/* A fake clock is a variable of the test, whoever holds it as a constant. */
static void fake_sleep(const struct clock *clock, int64_t us)
{
        ((struct clock *)(uintptr_t)clock)->fake_us += us;
}

const struct clock clock_system = {
        .wall_us = system_wall,
        .mono_us = system_mono,
        .sleep_us = system_sleep,
};

struct clock clock_fake(int64_t wall_us)
{
        return (struct clock){
                .wall_us = fake_now,
                .mono_us = fake_now,
                .sleep_us = fake_sleep,
                .fake_us = wall_us,
        };
}

struct timespec clock_deadline(clockid_t clock, unsigned timeout_ms)
{
        struct timespec until;

        clock_gettime(clock, &until);
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        return until;
}

/* The UTC calendar of a time since 1970. gmtime_r would take a lock and look at the time zone. */
static struct tm utc(int64_t wall_us)
{
        int64_t seconds = wall_us / US_PER_S, days = seconds / 86400;
        int rest = (int)(seconds % 86400);
        /* Days to a civil date, counting years from March so that leap days come last. */
        int64_t shifted = days + 719468;
        int64_t era = shifted / 146097;
        int day_of_era = (int)(shifted % 146097);
        int year_of_era =
                (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int month = (5 * day_of_year + 2) / 153;
        struct tm tm = {
                .tm_hour = rest / 3600,
                .tm_min = rest / 60 % 60,
                .tm_sec = rest % 60,
                .tm_mday = day_of_year - (153 * month + 2) / 5 + 1,
                .tm_mon = month < 10 ? month + 2 : month - 10,
                .tm_wday = (int)((days + 4) % 7),
        };

        tm.tm_year = (int)(year_of_era + era * 400) + (tm.tm_mon < 2) - 1900;
        return tm;
}

/* count digits of value and the character after them; lists format many times, printf is slow. */
static char *put_digits(char *at, int value, int count, char after)
{
        for (int i = count - 1; i >= 0; i--) {
                at[i] = (char)('0' + value % 10);
                value /= 10;
        }
        at[count] = after;
        return at + count + 1;
}

/* To the second, which is followed by end. Returns where the text goes on. */
static char *put_time(int64_t wall_us, char *at, char end)
{
        struct tm tm = utc(wall_us);

        at = put_digits(at, tm.tm_year + 1900, 4, '-');
        at = put_digits(at, tm.tm_mon + 1, 2, '-');
        at = put_digits(at, tm.tm_mday, 2, 'T');
        at = put_digits(at, tm.tm_hour, 2, ':');
        at = put_digits(at, tm.tm_min, 2, ':');
        return put_digits(at, tm.tm_sec, 2, end);
}

void clock_format_iso(int64_t wall_us, char ret_text[CLOCK_ISO_SIZE])
{
        char *at = put_time(wall_us, ret_text, '.');

        at = put_digits(at, (int)(wall_us % US_PER_S / US_PER_MS), 3, 'Z');
        *at = '\0';
}

void clock_format_second(int64_t wall_us, char ret_text[CLOCK_ISO_SIZE])
{
        *put_time(wall_us, ret_text, 'Z') = '\0';
}

void clock_format_http(int64_t wall_us, char ret_text[CLOCK_HTTP_SIZE])
{
        struct tm tm = utc(wall_us);

        /* The programs never call setlocale, so the names are the English ones HTTP wants. */
        strftime(ret_text, CLOCK_HTTP_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* The part after the seconds: an optional fraction in microseconds, then Z or +hh:mm. */
static bool parse_tail(const char *text, int64_t *ret_fraction_us, int64_t *ret_offset_s)
{
        int64_t fraction = 0, scale = US_PER_S;
        int hours, minutes, used = 0;

        if (*text == '.') {
                for (text++; *text >= '0' && *text <= '9'; text++) {
                        scale /= 10;
                        fraction += (*text - '0') * scale;
                }
        }
        *ret_fraction_us = fraction;
        *ret_offset_s = 0;
        if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
                return true;
        if (*text != '+' && *text != '-')
                return false;
        if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || text[1 + used] != '\0')
                return false;
        *ret_offset_s = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
        return true;
}

bool clock_parse_iso(const char *text, int64_t *ret_us)
{
        struct tm tm = { 0 };
        int64_t fraction_us, offset_s;
        int used = 0;

        if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6 ||
            used != 19)
                return false;
        if (tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
            tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
                return false;
        if (!parse_tail(text + used, &fraction_us, &offset_s))
                return false;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        *ret_us = ((int64_t)timegm(&tm) - offset_s) * US_PER_S + fraction_us;
        return true;
}
