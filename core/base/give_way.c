#include "core/base/give_way.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/scope.h"

#define REST_SHARE  4 /* of the delay */
#define REST_US_MAX (200 * US_PER_MS)
#define TEXT_SIZE   80 /* three numbers: nanoseconds that it ran, that it waited, time slices */

static uint64_t delayed_ns(const struct give_way *self)
{
        char text[TEXT_SIZE];
        uint64_t ran, delayed;
        ssize_t len = self->fd < 0 ? -1 : pread(self->fd, text, sizeof(text) - 1, 0);

        if (len <= 0)
                return self->delayed_ns;
        text[len] = '\0';
        return sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &delayed) == 2 ? delayed
                                                                         : self->delayed_ns;
}

struct give_way give_way_begin(void)
{
        struct give_way self = { .fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC) };

        self.delayed_ns = delayed_ns(&self);
        return self;
}

void give_way_end(struct give_way *self)
{
        close_fdp(&self->fd);
}

void give_way_rest(struct give_way *self)
{
        const uint64_t now_ns = delayed_ns(self);
        const int64_t rest_us = (int64_t)((now_ns - self->delayed_ns) / 1000) * REST_SHARE;

        if (rest_us > 0)
                clock_sleep_us(&clock_system, rest_us < REST_US_MAX ? rest_us : REST_US_MAX);
        self->delayed_ns = now_ns;
}
