#include "fcgi/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "core/base/log.h"
#include "core/cloud/cloud.h"
#include "fcgi/reload.h"
#include "fcgi/service_manager.h"

static const char logger[] = "simpletuner.cloud";

bool watch_find_hanging(const struct ctx *ctx, const struct watched *watched,
                        char ret_text[WATCH_TEXT_SIZE])
{
        const struct pulses *pulses = &ctx->cloud->pulses;
        const int64_t now_us = clock_mono_us(ctx->clock);
        const unsigned count = atomic_load(&pulses->count);
        bool api_stands = watched->api && pool_stands_still(watched->api, now_us);
        bool bulk_stands = watched->bulk && pool_stands_still(watched->bulk, now_us);

        if (api_stands || bulk_stands) {
                snprintf(ret_text, WATCH_TEXT_SIZE, "No thread of the %s moves any more",
                         api_stands ? "API" : "bulk socket");
                return true;
        }
        for (unsigned i = 0; i < count; i++) {
                const struct pulse *pulse = &pulses->each[i];

                if (!pulse_is_late(pulse, now_us))
                        continue;
                snprintf(ret_text, WATCH_TEXT_SIZE, "The work \"%s\" hangs since %" PRId64 " s",
                         pulse->name, pulse_age_s(pulse, now_us));
                return true;
        }
        return false;
}

static void beat(struct ctx *ctx, const struct watched *watched)
{
        char hanging[WATCH_TEXT_SIZE], text[WATCH_TEXT_SIZE + 64];

        if (watch_find_hanging(ctx, watched, hanging)) {
                log_event(ctx, LOG_ERROR, logger,
                          "The service manager is not told that all is well", "reason", hanging);
                snprintf(text, sizeof(text), "STATUS=%s", hanging);
        } else
                snprintf(text, sizeof(text), "WATCHDOG=1\nSTATUS=Serving, %u requests under way",
                         pool_busy(watched->api) + (watched->bulk ? pool_busy(watched->bulk) : 0));
        service_manager_tell(text);
}

/* The next signal, 0 when the time is over; without a time it is waited for. */
static int next_signal(const sigset_t *signals, uint64_t wait_us)
{
        const struct timespec wait = { .tv_sec = (time_t)(wait_us / US_PER_S),
                                       .tv_nsec = (long)(wait_us % US_PER_S) * 1000 };
        int number = 0;

        if (wait_us == 0)
                return sigwait(signals, &number) == 0 ? number : SIGTERM;
        do {
                number = sigtimedwait(signals, NULL, &wait);
        } while (number < 0 && errno == EINTR);
        return number < 0 ? 0 : number;
}

/* Type=notify-reload of systemd 253 wants the time, older ones do not mind it. */
static void reload(struct ctx *ctx)
{
        char text[WATCH_TEXT_SIZE];

        snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                 clock_mono_us(&clock_system));
        service_manager_tell(text);
        reload_settings(ctx);
        service_manager_tell("READY=1");
}

void watch_until_end(struct ctx *ctx, const struct watched *watched)
{
        const uint64_t every_us = service_manager_watchdog_us() / 2;
        char text[WATCH_TEXT_SIZE];
        int number;

        snprintf(text, sizeof(text), "READY=1\nSTATUS=%s%s", watched->trouble ? "Not ready: " : "",
                 watched->trouble ? watched->trouble : "Serving");
        service_manager_tell(text);
        while ((number = next_signal(watched->signals, every_us)) == 0 || number == SIGHUP) {
                if (number == SIGHUP)
                        reload(ctx);
                else
                        beat(ctx, watched);
        }
        service_manager_tell("STOPPING=1\nSTATUS=Finishing what has begun");
}
