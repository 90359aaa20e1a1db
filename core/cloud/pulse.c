#include "core/cloud/pulse.h"

#include <stddef.h>

#include "core/base/clock.h"

struct pulse *pulse_add(struct pulses *pulses, const char *name, unsigned limit_s, int64_t now_us)
{
        const unsigned count = atomic_load(&pulses->count);
        struct pulse *pulse = &pulses->each[count];

        if (count == PULSES_MAX)
                return NULL;
        pulse->name = name;
        pulse->limit_s = limit_s;
        atomic_store(&pulse->moved_at_us, now_us);
        atomic_store(&pulses->count, count + 1);
        return pulse;
}

void pulse_begin(struct pulse *pulse, int64_t now_us)
{
        atomic_store(&pulse->moved_at_us, now_us);
        atomic_store(&pulse->at_work, true);
}

void pulse_end(struct pulse *pulse, int64_t now_us, bool failed)
{
        atomic_store(&pulse->moved_at_us, now_us);
        atomic_store(&pulse->at_work, false);
        if (failed)
                atomic_fetch_add(&pulse->failures, 1);
        else
                atomic_store(&pulse->failures, 0);
}

int64_t pulse_age_s(const struct pulse *pulse, int64_t now_us)
{
        return (now_us - atomic_load(&pulse->moved_at_us)) / US_PER_S;
}

bool pulse_is_late(const struct pulse *pulse, int64_t now_us)
{
        return pulse->limit_s > 0 && pulse_age_s(pulse, now_us) > pulse->limit_s;
}
