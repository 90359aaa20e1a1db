/* Time: UTC microseconds since 1970 for what is stored, monotonic microseconds for what is
 * measured. Tests pass a fake clock; nothing else in the tree calls clock_gettime, time or sleeps.
 */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define US_PER_MS   INT64_C(1000)
#define US_PER_S    INT64_C(1000000)
#define US_PER_HOUR (3600 * US_PER_S)
#define US_PER_DAY  (24 * US_PER_HOUR)

struct clock {
        int64_t (*wall_us)(const struct clock *clock);
        int64_t (*mono_us)(const struct clock *clock);
        void (*sleep_us)(const struct clock *clock, int64_t us);
        int64_t fake_us; /* what a fake clock answers; unused by the real one */
};

extern const struct clock clock_system;

/* A clock that stands at wall_us until the caller moves clock->fake_us, or sleeps, which moves it
 * by as much at once. */
struct clock clock_fake(int64_t wall_us);

static inline int64_t clock_wall_us(const struct clock *clock)
{
        return clock->wall_us(clock);
}
static inline int64_t clock_mono_us(const struct clock *clock)
{
        return clock->mono_us(clock);
}
/* Stop this thread for so long, measured by the monotonic clock; signals do not shorten it. */
static inline void clock_sleep_us(const struct clock *clock, int64_t us)
{
        clock->sleep_us(clock, us);
}

/* When timeout_ms from now is over, as the waits of pthread want it: those of a condition with
 * CLOCK_MONOTONIC, and joins with CLOCK_REALTIME. */
struct timespec clock_deadline(clockid_t clock, unsigned timeout_ms);

/* "2024-01-15T10:30:00.000Z", RFC 3339 in UTC with milliseconds. */
#define CLOCK_ISO_SIZE 32
void clock_format_iso(int64_t wall_us, char ret_text[CLOCK_ISO_SIZE]);
/* The same without milliseconds, for lists that people read. */
void clock_format_second(int64_t wall_us, char ret_text[CLOCK_ISO_SIZE]);

/* RFC 3339 with Z or an offset, fraction optional. False: not such a time; ret_us untouched. */
bool clock_parse_iso(const char *text, int64_t *ret_us);

/* "Mon, 15 Jan 2024 10:30:00 GMT", RFC 9110 5.6.7. */
#define CLOCK_HTTP_SIZE 32
void clock_format_http(int64_t wall_us, char ret_text[CLOCK_HTTP_SIZE]);

#endif
