#include "core/cron/signals.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>

#include "core/base/clock.h"
#include "core/base/scope.h"

static sigset_t held(void)
{
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        return set;
}

void signals_hold(void)
{
        const sigset_t set = held();

        sigprocmask(SIG_BLOCK, &set, NULL);
}

bool signals_stop(void)
{
        sigset_t pending;

        return sigpending(&pending) == 0 &&
               (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

bool signals_wait(int64_t wait_us)
{
        const sigset_t set = held();
        CLEANUP(close_fdp) int fd = signalfd(-1, &set, SFD_CLOEXEC);
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        const int64_t wait_ms = wait_us / US_PER_MS + 1;

        poll(&ready, 1, wait_ms < INT_MAX ? (int)wait_ms : INT_MAX);
        return signals_stop();
}
