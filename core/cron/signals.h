/* SIGTERM and SIGINT, looked at between two pieces of work instead of striking in one. */
#ifndef CORE_CRON_SIGNALS_H
#define CORE_CRON_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on they wait until they are looked at. */
void signals_hold(void);

/* Has one come? It stays, so that everybody who asks hears of it. */
bool signals_stop(void);

/* Wait for one, at most this long. True: it has come. */
bool signals_wait(int64_t wait_us);

#endif
