#include "core/cloud/event/event_seats.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/cloud/bell.h"
#include "core/cloud/cloud.h"

struct event_seats {
        pthread_mutex_t lock;
        unsigned max, per_client;
        struct {
                bool taken;
                struct ipaddr client;
        } each[];
};

struct seat {
        struct event_seats *seats;
        unsigned index;
        struct cloud *cloud;
};

struct event_seats *event_seats_new(unsigned max, unsigned per_client)
{
        struct event_seats *seats = calloc(1, sizeof(*seats) + max * sizeof(seats->each[0]));

        if (!seats)
                return NULL;
        seats->max = max;
        seats->per_client = per_client;
        pthread_mutex_init(&seats->lock, NULL);
        return seats;
}

void event_seats_free(struct event_seats *seats)
{
        if (!seats)
                return;
        pthread_mutex_destroy(&seats->lock);
        free(seats);
}

/* A free seat for the client; max when there is none. */
static unsigned choose(struct event_seats *seats, const struct ipaddr *client)
{
        unsigned taken = 0, chosen = seats->max;

        for (unsigned i = 0; i < seats->max; i++) {
                if (!seats->each[i].taken)
                        chosen = i;
                else if (ipaddr_equal(&seats->each[i].client, client))
                        taken++;
        }
        return taken < seats->per_client ? chosen : seats->max;
}

static void give_back(void *arg)
{
        struct seat *seat = arg;

        pthread_mutex_lock(&seat->seats->lock);
        seat->seats->each[seat->index].taken = false;
        pthread_mutex_unlock(&seat->seats->lock);
        atomic_fetch_sub(&seat->cloud->listeners, 1);
}

enum err event_seats_take(struct ctx *ctx, const struct ipaddr *client)
{
        struct ipaddr network = ipaddr_network(client);
        struct seat *seat = arena_alloc(ctx->arena, sizeof(*seat));
        struct event_seats *seats = ctx->seats;

        if (!seat)
                return ctx_nomem(ctx);
        pthread_mutex_lock(&seats->lock);
        *seat = (struct seat){ seats, choose(seats, &network), ctx->cloud };
        if (seat->index < seats->max) {
                seats->each[seat->index].taken = true;
                seats->each[seat->index].client = network;
        }
        pthread_mutex_unlock(&seats->lock);
        if (seat->index == seats->max) {
                bell_ring(ctx->cloud->bells, BELL_EVENTS);
                return ctx_fail(ctx, ERR_LIMITED,
                                "Too many concurrent connections. Please try again later.");
        }
        atomic_fetch_add(&ctx->cloud->listeners, 1);
        if (!arena_own(ctx->arena, seat, give_back))
                return ctx_nomem(ctx);
        bell_ring(ctx->cloud->bells, BELL_LISTENERS);
        return OK;
}
