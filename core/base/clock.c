#include "core/base/clock.h"

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

static int64_t fake_now(const struct clock *clock)
{
        return clock->fake_us;
}

const struct clock clock_system = { .wall_us = system_wall, .mono_us = system_mono };

struct clock clock_fake(int64_t wall_us)
{
        return (struct clock){ .wall_us = fake_now, .mono_us = fake_now, .fake_us = wall_us };
}

static struct tm utc(int64_t wall_us)
{
        time_t seconds = (time_t)(wall_us / US_PER_S);
        struct tm tm = { 0 };

        gmtime_r(&seconds, &tm);
        return tm;
}

void clock_format_iso(int64_t wall_us, char ret_text[CLOCK_ISO_SIZE])
{
        struct tm tm = utc(wall_us);
        unsigned ms = (unsigned)(wall_us % US_PER_S / US_PER_MS);
        size_t len = strftime(ret_text, CLOCK_ISO_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);

        snprintf(ret_text + len, CLOCK_ISO_SIZE - len, ".%03uZ", ms % 1000);
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
