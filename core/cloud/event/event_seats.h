/* Seats for listeners. A stream of events holds a thread for minutes, so each pool of threads has a
 * few seats, and one client gets fewer still. Thread safe. */
#ifndef CORE_CLOUD_EVENT_EVENT_SEATS_H
#define CORE_CLOUD_EVENT_EVENT_SEATS_H

#include "core/base/ctx.h"
#include "core/base/ipnet.h"

struct event_seats;

/* NULL: out of memory. */
NODISCARD struct event_seats *event_seats_new(unsigned max, unsigned per_client);
void event_seats_free(struct event_seats *seats); /* when nobody sits any more; NULL is fine */

/* Take a seat of ctx->seats for a client, and wake the hub (event_hub.h). It is given back when the
 * arena is reset. IPv6 clients are one by their /64. ERR_LIMITED: none is left for this client;
 * those who sit are woken (BELL_EVENTS), so that the ones whose client has gone notice it. */
NODISCARD enum err event_seats_take(struct ctx *ctx, const struct ipaddr *client);

#endif
